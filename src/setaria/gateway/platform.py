"""Platform: everything one call needs, built once a process."""

from collections.abc import Mapping

import msgspec

from setaria.core.clock import Clock
from setaria.domain.catalog.model import Catalog
from setaria.domain.ledger.ports import Ledger
from setaria.domain.ledger.tariff import Tariffs
from setaria.domain.routing.ports import RelayUpstream, Upstream
from setaria.domain.routing.router import Router
from setaria.gateway.addresses import Addresses
from setaria.gateway.desk import Desk
from setaria.gateway.footing import FootingBook
from setaria.gateway.key_cache import KeyCache
from setaria.gateway.long_reads import LongReads
from setaria.gateway.plan_cache import PlanCache
from setaria.gateway.ports import Log, Meter, Spool


class Platform(msgspec.Struct, frozen=True):
    """The rooms and leaves that a call passes.

    `relays` are those of the upstreams that speak a protocol of our callers. Both mappings may change while calls run.
    `signing_secret` is the id and key that sign what models thought.
    """

    keys: KeyCache
    catalog: Catalog
    tariffs: Tariffs
    plans: PlanCache
    router: Router
    upstreams: Mapping[str, Upstream]
    relays: Mapping[str, RelayUpstream]
    ledger: Ledger
    desk: Desk
    spool: Spool
    clock: Clock
    log: Log
    meter: Meter
    signing_secret: tuple[str, bytes]
    footings: FootingBook = msgspec.field(default_factory=FootingBook)
    long_reads: LongReads = msgspec.field(default_factory=LongReads)
    addresses: Addresses = Addresses()

"""Platform: everything one call needs, built once a process."""

from collections.abc import Mapping

import msgspec

from setaria.core.clock import Clock
from setaria.domain.catalog.model import Catalog
from setaria.domain.ledger.ports import Ledger
from setaria.domain.routing.ports import Upstream
from setaria.gateway.authenticate import KeyCache
from setaria.gateway.ports import Log


class Platform(msgspec.Struct, frozen=True):
    """The rooms and leaves that a call passes; `signing_secret` is the id and key that sign what models thought."""

    keys: KeyCache
    catalog: Catalog
    upstreams: Mapping[str, Upstream]
    ledger: Ledger
    clock: Clock
    log: Log
    signing_secret: tuple[str, bytes]

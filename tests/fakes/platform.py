"""Platform: all that a call needs, made of fakes but for the protocols and the keys, which are real."""

from collections.abc import Mapping, Sequence

import msgspec

from setaria.core.ids import AccountId, KeyId
from setaria.core.protocol import Lane, ProtocolName
from setaria.core.secrets import SecretRing
from setaria.core.traits import Traits
from setaria.domain.accounts.keys import key_secrets_from_ring, make_key
from setaria.domain.accounts.records import AccountStatus, Caller
from setaria.domain.catalog.model import Catalog, Deployment, Model
from setaria.domain.ledger.tariff import Tariffs
from setaria.domain.routing.router import Router
from setaria.gateway.desk import Desk
from setaria.gateway.key_cache import KeyCache
from setaria.gateway.plan_cache import PlanCache
from setaria.gateway.platform import Platform
from setaria.wire.anthropic_messages import AnthropicMessages
from setaria.wire.codec import Codec
from setaria.wire.openai_chat import OpenAIChat
from tests.fakes.clock import FakeClock
from tests.fakes.lease_book import MemoryBook
from tests.fakes.ledger import FakeLedger
from tests.fakes.log import FakeLog
from tests.fakes.meter import FakeMeter
from tests.fakes.relay_upstream import FakeRelayUpstream
from tests.fakes.scripted_upstream import ScriptedUpstream
from tests.fakes.spool import FakeSpool

ACCOUNT = AccountId("acct_1")
ANY = Caller(ACCOUNT, "active", KeyId("key_0"), "payg")
SECRETS = key_secrets_from_ring(SecretRing({"ring1": b"s" * 32}))
CODECS: Mapping[ProtocolName, Codec] = {"openai_chat": OpenAIChat(), "anthropic_messages": AnthropicMessages()}
SEEDLING = Model(
    id="seedling",
    display_name="Seedling",
    description="a model of the tests",
    traits=Traits(8192, 2048, 1024, frozenset({"tools", "thinking"})),
    deployments=(Deployment("scripted", "seedling-there"),),
    created_at_ms=1_793_491_200_000,
    aliases=("org/seedling",),
)


class Stage(msgspec.Struct, frozen=True):
    """A platform and the fakes in it; `key` is the text of a key that is good there."""

    platform: Platform
    upstream: ScriptedUpstream
    ledger: FakeLedger
    book: MemoryBook
    spool: FakeSpool
    clock: FakeClock
    log: FakeLog
    meter: FakeMeter
    key: str


def add_key(ledger: FakeLedger, status: AccountStatus = "active", lane: Lane = "payg", terms: Caller = ANY) -> str:
    """Make a key that the ledger knows, and give its text; of `terms` all counts but who and which lane it is."""
    key, text = make_key(SECRETS, ACCOUNT, "test", 0, lane)
    ledger.callers[key.digest] = msgspec.structs.replace(terms, account_status=status, key_id=key.id, lane=lane)
    return text


def make_stage(
    upstream: ScriptedUpstream | None = None,
    model: Model = SEEDLING,
    others: Sequence[ScriptedUpstream] = (),
    relay: FakeRelayUpstream | None = None,
) -> Stage:
    """Make a platform of one model and one key, whose upstream plays a greeting unless another is given.

    Takes: others, further upstreams; relay, through which the first upstream is asked in its own protocol.
    """
    upstream = upstream or ScriptedUpstream()
    ledger, clock, log, meter = FakeLedger(), FakeClock(), FakeLog(), FakeMeter()
    book, spool = MemoryBook(clock), FakeSpool()
    platform = Platform(
        keys=KeyCache(ledger, SECRETS),
        catalog=Catalog((model,)),
        tariffs=Tariffs((model.id,)),
        plans=PlanCache(ledger),
        router=Router(lambda: 0.5),
        upstreams={each.name: each for each in (upstream, *others)},
        relays={} if relay is None else {upstream.name: relay},
        ledger=ledger,
        desk=Desk(book, "node", clock, log),
        spool=spool,
        clock=clock,
        log=log,
        meter=meter,
        signing_secret=("ring1", b"k" * 32),
    )
    return Stage(platform, upstream, ledger, book, spool, clock, log, meter, add_key(ledger))

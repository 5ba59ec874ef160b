"""Admit: limits, prices and holds of calls, from their admission to their row."""

from collections.abc import Awaitable, Callable
from functools import partial

import msgspec
import pytest

from setaria.core.errors import UpstreamBusy, UpstreamCut, UpstreamFailed
from setaria.core.events import Event, Finish, TextDelta, UsageReport
from setaria.core.protocol import ProtocolName
from setaria.core.usage import Usage
from setaria.domain.accounts.records import Billing, KeyRules, Limits, ModelLimits
from setaria.domain.catalog.model import Model
from setaria.domain.ledger.tariff import PriceList, Tariff, Tariffs, Times, charge
from setaria.gateway.footing import limits_on
from tests.fakes.client import RecordingClient
from tests.fakes.platform import ACCOUNT, SEEDLING, Stage, make_stage
from tests.fakes.relay_upstream import FakeRelayUpstream, Last, RelayStep
from tests.fakes.scripted_upstream import PAUSE, ScriptedUpstream, Step
from tests.fakes.waiting import turns, until
from tests.gateway.calling import PROTOCOLS, begin, body_of, call, play_on

PRICE = Tariff("price_1", SEEDLING.id, 1, input=1_000_000, cached_input=0, cache_write=0, output=2_000_000)
"""1 nano-unit a token of the prompt, 2 a token of the answer; the prompt of `body_of` is estimated as 10 tokens."""
PROMPT = 10


UNLIMITED = Limits(unlimited=True)
NO_RULES = KeyRules()


def said(tokens: int, usage: Usage | None = None) -> tuple[Step, ...]:
    """Say so many tokens one by one, then end."""
    words: list[Event] = [TextDelta("a")] * tokens
    end = UsageReport(usage or Usage(PROMPT, output_tokens=tokens), "upstream")
    return (*((word,) for word in words), (Finish("stop"), end))


def make(
    *script: Step,
    money: int | None = None,
    billing: Billing = "prepaid",
    limits: Limits = UNLIMITED,
    rules: KeyRules = NO_RULES,
    relay: FakeRelayUpstream | None = None,
    model: Model = SEEDLING,
) -> Stage:
    """Make a platform with a price, and an account that has so much cash."""
    stage = make_stage(ScriptedUpstream(*script), model, relay=relay)
    stage.platform.tariffs.renew(PriceList(prices=(PRICE,)))
    for digest, caller in stage.ledger.callers.items():
        stage.ledger.callers[digest] = msgspec.structs.replace(caller, billing=billing, limits=limits, rules=rules)
    if money is not None:
        stage.book.fund(money)
    return stage


def play(story: Callable[[Stage], Awaitable[None]], *script: Step, **more: object) -> Stage:
    """Play a story on such a platform, its worker at the books."""

    async def whole(stage: Stage) -> None:
        await stage.platform.desk.clerk.enter()
        await story(stage)

    return play_on(whole, partial(make, *script, **more))  # type: ignore[arg-type]  # whatever `make` takes


class SlowClient(RecordingClient):
    """A client whose request takes ten seconds to come."""

    def __init__(self, body: bytes, stage: Stage) -> None:
        super().__init__(body)
        self._clock = stage.clock

    async def read_body(self) -> bytes:
        self._clock.advance(10)
        return await super().read_body()


def settle(stage: Stage) -> None:
    """Put on the books what the calls in the ledger took."""
    for row in stage.ledger.rows:
        stage.book.settle(row, stage.ledger.debits[row.id])


async def ask(stage: Stage, protocol: ProtocolName = "openai_chat", **fields: object) -> RecordingClient:
    """Make a call."""
    client = RecordingClient(body_of(**fields))
    await call(stage, protocol, client)
    return client


def test_the_estimate_of_these_tests() -> None:
    """The prompt is estimated as `PROMPT` tokens, on which the numbers below build."""

    async def story(stage: Stage) -> None:
        await ask(stage)

    stage = play(story, *said(3, Usage(PROMPT, output_tokens=3)), money=1000)
    assert [(row.usage.input_tokens, row.charge_nano) for row in stage.ledger.rows] == [(PROMPT, PROMPT + 6)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_call_is_charged_what_it_took(protocol: ProtocolName, stream: bool) -> None:
    """The hold is paid from, the rest goes back, and the row says what, to which price, and from where.

    The answer's head tells what there was, as last known.
    """

    async def story(stage: Stage) -> None:
        client = await ask(stage, protocol, stream=stream)
        assert client.is_over
        assert client.announced == {"x-setaria-balance": "0.000001"}

    stage = play(story, *said(3), money=1000)
    (row,) = stage.ledger.rows
    assert (row.charge_nano, row.price_id, row.charges, row.note) == (PROMPT + 6, "price_1", f"cash:{PROMPT + 6}", "")
    settle(stage)
    fund = stage.platform.desk.find(ACCOUNT, "money")
    _, leased, spent, debt = stage.book.numbers()
    assert (spent, debt, fund.held) == (PROMPT + 6, 0, 0)
    assert leased == sum(lease.idle for lease in fund.leases)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_row_is_of_the_moment_that_priced_it(protocol: ProtocolName) -> None:
    """A head came while tokens cost half; its call is charged, and written down, as of its admission after that."""

    async def story(stage: Stage) -> None:
        halved = msgspec.structs.replace(PRICE, times=(Times(0, 1, 500_000),))
        stage.platform.tariffs.renew(PriceList(prices=(halved,)))
        stage.clock.advance(55)
        await stage.platform.desk.clerk.renew()
        await call(stage, protocol, SlowClient(body_of(), stage))
        (row,) = stage.ledger.rows
        assert (row.at_ms, row.duration_ms) == (stage.clock.now_ms(), 10_000)
        assert row.charge_nano == charge(halved, row.usage, row.at_ms) == PROMPT + 6

    play(story, *said(3), money=1000)


def test_sound_and_searches_are_charged() -> None:
    """Where a server's usage tells of them they are in the call's row and in its price."""

    async def story(stage: Stage) -> None:
        heard = msgspec.structs.replace(PRICE, audio_hour=3_600)
        stage.platform.tariffs.renew(PriceList(prices=(heard,), search_nano=5_000))
        await ask(stage)

    stage = play(story, *said(3, Usage(PROMPT, output_tokens=3, audio_seconds=7, searches=2)), money=1000)
    (row,) = stage.ledger.rows
    assert (row.charge_nano, row.usage.audio_seconds, row.usage.searches) == (PROMPT + 6 + 7 + 10, 7, 2)


def test_a_warm_call_asks_the_books_nothing() -> None:
    """Of many calls in a row only the first asks the books, whatever is limited and priced."""

    async def story(stage: Stage) -> None:
        await ask(stage)
        asked = stage.book.engine.plays
        for _ in range(20):
            await ask(stage, stream=True)
        assert stage.book.engine.plays == asked
        assert len(stage.ledger.rows) == 21

    every = ModelLimits(rpm=1000, tpm=10_000_000, in_flight=16)
    play(story, *said(3), money=1_000_000, limits=Limits(every=every), rules=KeyRules(cap_nano=1_000_000))


def test_a_postpaid_account_is_charged_and_never_refused() -> None:
    """Nothing is held of it, and its cash goes below zero."""

    async def story(stage: Stage) -> None:
        await ask(stage)
        await ask(stage)

    stage = play(story, *said(3), billing="postpaid")
    settle(stage)
    ((name,),) = stage.book.do("SELECT id FROM allowances")
    assert {(row.charge_nano, row.charges) for row in stage.ledger.rows} == {(PROMPT + 6, f"{name}:{PROMPT + 6}")}
    assert stage.book.do("SELECT available, spent, debt FROM allowances") == [(-2 * PROMPT - 12, 2 * PROMPT + 12, 0)]


def test_a_postpaid_account_that_can_t_be_asked_about_keeps_nothing() -> None:
    """The books are away when its cash is looked for: the call is refused, and no slot of its limits is lost."""

    async def story(stage: Stage) -> None:
        stage.book.engine.gate.clear()
        client = await ask(stage)
        assert client.status == 503
        stage.book.engine.gate.set()
        await until(lambda: stage.book.engine.plays > 1)
        assert [(await ask(stage)).status for _ in range(2)] == [200, 200]

    play(story, *said(3), billing="postpaid", limits=Limits(every=ModelLimits(in_flight=1)))


def test_a_key_s_cap_bounds_a_prepaid_account() -> None:
    """What is left of the cap counts, whatever there is of money; each call is paid by the money, once."""

    async def story(stage: Stage) -> None:
        assert [(await ask(stage)).status for _ in range(2)] == [200, 200]
        settle(stage)
        refused = await ask(stage)
        assert (refused.status, b"this key has spent what it may in this month" in refused.body) == (402, True)

    stage = play(story, *said(3), money=100_000, rules=KeyRules(cap_nano=2 * (PROMPT + 6)))
    assert {(row.charge_nano, row.charges) for row in stage.ledger.rows} == {(PROMPT + 6, f"cash:{PROMPT + 6}")}
    assert stage.book.numbers()[2:] == (2 * (PROMPT + 6), 0)


def test_a_key_s_cap_bounds_a_postpaid_account_too() -> None:
    """What its calls cost counts; at the cap they get 402, and in the middle of an answer that ends it."""

    async def story(stage: Stage) -> None:
        assert [(await ask(stage)).status for _ in range(2)] == [200, 200]
        settle(stage)
        assert b"this key has spent what it may in this month" in (await ask(stage)).body
        assert stage.book.do("SELECT spent FROM allowances WHERE kind = 'cap'") == [(2 * (PROMPT + 6),)]

    stage = play(story, *said(3), billing="postpaid", rules=KeyRules(cap_nano=2 * (PROMPT + 6)))
    assert stage.book.do("SELECT available, spent, debt FROM allowances WHERE kind = 'cash'") == [(-32, 32, 0)]
    ((name,),) = stage.book.do("SELECT id FROM allowances WHERE kind = 'cash'")
    assert {(row.charge_nano, row.charges) for row in stage.ledger.rows} == {(PROMPT + 6, f"{name}:{PROMPT + 6}")}

    async def cut(stage: Stage) -> None:
        told = (await ask(stage, stream=True, max_tokens=2000)).stream
        assert b"the answer ends here: this key has spent what it may in this month (UTC); raise its cap" in told

    stage = play(cut, *said(1500), billing="postpaid", rules=KeyRules(cap_nano=PROMPT + 600))
    assert [(row.ending, row.usage.output_tokens) for row in stage.ledger.rows] == [("out_of_funds", 300 + 256)]


@pytest.mark.parametrize("billing", ["prepaid", "postpaid"])
def test_a_cap_is_whole_again_when_the_month_turns(billing: Billing) -> None:
    """Also for a key whose calls never pause, on a worker that still knows its lease of the old month."""

    async def story(stage: Stage) -> None:
        assert (await ask(stage)).status == 200
        stage.clock.advance(8 * 86_400 - 1)  # the last second of November
        await stage.platform.desk.clerk.renew()
        assert (await ask(stage)).status == 200
        stage.clock.advance(1)
        assert (await ask(stage)).status == 200

    stage = play(story, *said(3), *said(3), *said(3), money=1000, billing=billing, rules=KeyRules(cap_nano=35))
    settle(stage)
    caps = stage.book.do("SELECT period, spent, debt FROM allowances WHERE kind = 'cap' ORDER BY period")
    assert [row[1:] for row in caps] == [(2 * (PROMPT + 6), 0), (PROMPT + 6, 0)]


def test_a_call_that_runs_over_the_end_of_a_month_is_charged_to_that_cap() -> None:
    """What it lacks then it does not take of the new month's, which others use already."""

    async def story(stage: Stage) -> None:
        client = RecordingClient(body_of(stream=True, max_tokens=2000))
        _, task = begin(stage, "openai_chat", client)
        await until(lambda: stage.upstream.attempts)
        await turns()
        stage.clock.advance(8 * 86_400)
        await stage.platform.desk.clerk.renew()
        _, other = begin(stage, "openai_chat", RecordingClient(body_of()))
        await until(lambda: len(stage.upstream.attempts) == 2)
        for attempt in stage.upstream.attempts:
            attempt.play()
        await task
        await other
        assert b"[DONE]" in client.told

    long: tuple[Step, ...] = ((TextDelta("a"),) * 200, PAUSE, *said(1500, Usage(PROMPT, output_tokens=1700)))
    stage = play(story, *long, money=100_000, rules=KeyRules(cap_nano=5_000))
    settle(stage)
    caps = stage.book.do("SELECT period, spent, debt FROM allowances WHERE kind = 'cap' ORDER BY period")
    assert [row[1:] for row in caps] == [(PROMPT + 3400, 0), (PROMPT + 3400, 0)]


@pytest.mark.parametrize("limits", [UNLIMITED, Limits()])
def test_a_recalled_postpaid_account_waits(limits: Limits) -> None:
    """While it is being changed it begins no calls, though it pays later."""

    async def story(stage: Stage) -> None:
        await ask(stage)
        stage.book.do("INSERT INTO recalls VALUES ('acct_1', 4102444800000)")
        await stage.platform.desk.renew_recalls()
        refused = await ask(stage)
        assert (refused.status, b"is being changed" in refused.body) == (429, True)

    play(story, *said(3), billing="postpaid", limits=limits)


def test_a_postpaid_call_that_took_nothing_is_charged_nothing() -> None:
    """An upstream that fails in silence costs nothing."""

    async def story(stage: Stage) -> None:
        await ask(stage)

    stage = play(story, UpstreamFailed("it is broken"), billing="postpaid")
    assert {(row.charge_nano, row.charges) for row in stage.ledger.rows} == {(0, "")}


@pytest.mark.parametrize("billing, status", [("prepaid", 400), ("postpaid", 200)])
def test_a_model_without_a_price(billing: Billing, status: int) -> None:
    """Who pays beforehand can't call it, who pays later calls it for nothing."""

    async def story(stage: Stage) -> None:
        unpriced = msgspec.structs.replace(stage.platform, tariffs=Tariffs())
        client = await ask(msgspec.structs.replace(stage, platform=unpriced))
        assert client.status == status
        assert (b"has no price" in client.body) == (status == 400)

    play(story, *said(3), billing=billing)


def test_a_model_that_is_free() -> None:
    """A price of 0 asks for no money, also of an account that has none."""

    async def story(stage: Stage) -> None:
        stage.platform.tariffs.renew(PriceList(prices=(Tariff("free", SEEDLING.id, 2),)))
        assert (await ask(stage)).status == 200
        assert stage.book.engine.plays == 1

    stage = play(story, *said(3))
    assert [(row.charge_nano, row.price_id) for row in stage.ledger.rows] == [(0, "")]


def test_a_model_whose_searches_are_paid_is_not_free() -> None:
    """Its tokens cost nothing, but a call needs an account that can pay for what it searches."""

    async def story(stage: Stage) -> None:
        stage.platform.tariffs.renew(PriceList(prices=(Tariff("free", SEEDLING.id, 2),), search_nano=5_000_000))
        assert (await ask(stage)).status == 200

    stage = play(story, *said(3), money=1_000_000)
    assert [(row.charge_nano, row.price_id) for row in stage.ledger.rows] == [(0, "free")]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_account_without_money_is_refused(protocol: ProtocolName) -> None:
    """402 in the protocol's words, no row, and no attempt."""

    async def story(stage: Stage) -> None:
        client = await ask(stage, protocol)
        assert (client.status, b"top up" in client.body) == (402, True)
        assert stage.upstream.attempts == []

    assert play(story, *said(3), money=5).ledger.rows == []


def test_ten_calls_one_after_another() -> None:
    """Funds for ten calls of 10 + 20 tokens: each holds what is left, and all are admitted; the eleventh is refused."""

    async def story(stage: Stage) -> None:
        for _ in range(10):
            client = await ask(stage, stream=True, max_tokens=2000)
            assert b"[DONE]" in client.told
            settle(stage)
            stage.ledger.rows.clear()
        assert (await ask(stage)).status == 402

    stage = play(story, *said(20), money=10 * (PROMPT + 40))
    assert stage.book.numbers()[2:] == (10 * (PROMPT + 40), 0)


def test_what_a_refused_call_held_goes_back() -> None:
    """An upstream that refuses the call, or no deployment that is well, leaves the account as it was."""

    async def story(stage: Stage) -> None:
        client = await ask(stage, max_tokens=10)
        assert client.status == 502
        fund = stage.platform.desk.find(ACCOUNT, "money")
        assert fund.held == 0
        assert sum(lease.idle for lease in fund.leases) == 250

    play(story, UpstreamFailed("it is broken"), money=1000)


def test_a_hold_grows_while_output_is_seen() -> None:
    """A long answer is paid to the last token; most of its slices come from here."""

    async def story(stage: Stage) -> None:
        client = await ask(stage, stream=True, max_tokens=2000)
        assert b"[DONE]" in client.told

    stage = play(story, *said(1500), money=100_000)
    assert [row.charge_nano for row in stage.ledger.rows] == [PROMPT + 3000]
    assert stage.book.engine.plays <= 3


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_stream_that_can_not_be_paid_is_cut(protocol: ProtocolName) -> None:
    """It says one slice more than is paid for, which is debt, and ends with an error of its protocol."""

    async def story(stage: Stage) -> None:
        client = await ask(stage, protocol, stream=True, max_tokens=2000)
        assert b"the answer ends here: Insufficient account balance: top up" in client.stream
        assert b"[DONE]" not in client.stream
        assert client.stream.count(b'"a"') == 300 + 255

    stage = play(story, *said(1500), money=PROMPT + 600)
    (row,) = stage.ledger.rows
    assert (row.ending, row.usage.output_tokens, row.note) == ("out_of_funds", 300 + 256, "")
    assert row.charge_nano == PROMPT + 2 * (300 + 256)
    settle(stage)
    assert stage.book.numbers() == (0, 0, PROMPT + 1112, 512)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_whole_answer_that_can_not_be_paid_is_cut_short(protocol: ProtocolName) -> None:
    """It is asked for as a stream and put together; the client gets what there is, as cut off by its length."""

    async def story(stage: Stage) -> None:
        client = await ask(stage, protocol, max_tokens=2000)
        assert client.status == 200
        assert b'"length"' in client.body or b'"max_tokens"' in client.body
        assert stage.upstream.attempts[0].request.stream

    stage = play(story, *said(1500), money=PROMPT + 600)
    (row,) = stage.ledger.rows
    assert (row.ending, row.usage.output_tokens, row.status) == ("out_of_funds", 300 + 256, 200)


def test_a_whole_answer_that_is_covered_is_asked_for_whole() -> None:
    """Where what lies here covers all that may be said the upstream is asked as the caller asked."""

    async def story(stage: Stage) -> None:
        await ask(stage, max_tokens=2000)
        assert not stage.upstream.attempts[0].request.stream
        await ask(stage, max_tokens=20)
        assert not stage.upstream.attempts[1].request.stream

    play(story, *said(5), money=100_000)


def test_a_relayed_answer_is_cut_too() -> None:
    """Bytes that are passed on as they are end where they are not paid for."""
    relay = FakeRelayUpstream("openai_chat", PAUSE, *([b"x"] * 1500), Last(b"END", Usage(PROMPT, output_tokens=1500)))

    async def story(stage: Stage) -> None:
        client = RecordingClient(body_of(stream=True, max_tokens=2000))
        _, task = begin(stage, "openai_chat", client)
        await until(lambda: relay.attempts)
        relay.go_on()
        await task
        assert client.stream.count(b"x") == 300 + 255
        assert b"END" not in client.stream
        whole = await ask(stage, max_tokens=2000)
        assert whole.status == 402

    stage = play(story, *said(5), money=PROMPT + 600, relay=relay)
    assert [row.ending for row in stage.ledger.rows] == ["out_of_funds"]


WHOLE = (
    b'{"id":"up-1","x":1,"choices":[{"index":0,"message":{"role":"assistant","content":"abc"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":25,"completion_tokens":3,"total_tokens":28}}'
)


def chunk(text: str, **fields: object) -> bytes:
    """Write a chunk of a stream."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None} | fields
    return b"data: " + msgspec.json.encode({"id": "up-1", "x": 1, "choices": [choice]}) + b"\n\n"


def ended(text: str) -> Last:
    """Write the end of a stream of so much text."""
    usage = Usage(PROMPT, output_tokens=len(text))
    told = b'data: {"choices":[],"usage":{"prompt_tokens":25,"completion_tokens":3,"total_tokens":28}}\n\n'
    return Last(chunk(text[-1:], finish_reason="stop") + told + b"data: [DONE]\n\n", usage)


@pytest.mark.parametrize(
    "steps, money, expected",
    [
        ([chunk("a"), chunk("b"), ended("abc")], 4000, ("completed", "stop", "abc", 3)),
        ([*[chunk("a")] * 1400, ended("a" * 1401)], 4000, ("completed", "stop", "a" * 1401, 3)),
        ([*[chunk("a")] * 1500, ended("a" * 1501)], PROMPT + 600, ("out_of_funds", "length", "a" * 555, 556)),
        ([ended("a")], 4000, ("completed", "stop", "a", 3)),
        ([Last(WHOLE, Usage(PROMPT, output_tokens=3))], 4000, ("completed", "stop", "abc", 3)),
    ],
)
def test_a_whole_answer_is_relayed_as_a_stream(
    steps: list[RelayStep], money: int, expected: tuple[str, str, str, int]
) -> None:
    """Where the server speaks the caller's protocol, what is put together is its own, its ids and fields included."""
    relay = FakeRelayUpstream("openai_chat", PAUSE, *steps)

    async def story(stage: Stage) -> None:
        client = RecordingClient(body_of(max_tokens=2000))
        _, task = begin(stage, "openai_chat", client)
        await until(lambda: relay.attempts)
        assert relay.attempts[0].request.stream
        relay.go_on()
        await task
        answer = msgspec.json.decode(client.body)
        choice = answer["choices"][0]
        told.append((choice["finish_reason"], choice["message"]["content"], answer["usage"]["completion_tokens"]))
        assert (client.status, answer["id"], answer["x"]) == (200, "up-1", 1)

    told: list[tuple[str, str, int]] = []
    stage = play(story, money=money, relay=relay)
    assert [(row.ending, *told[0]) for row in stage.ledger.rows] == [expected]


@pytest.mark.parametrize("drain_tokens, output_tokens", [(2, 2), (1000, 3)])
def test_a_whole_answer_is_drained(drain_tokens: int, output_tokens: int) -> None:
    """Where a model is drained, what would be put together is read on after the client left, so far as it allows."""
    relay = FakeRelayUpstream("openai_chat", chunk("a"), PAUSE, chunk("b"), ended("abc"))
    model = msgspec.structs.replace(SEEDLING, on_client_gone="drain", drain_tokens=drain_tokens)

    async def story(stage: Stage) -> None:
        client = RecordingClient(body_of(max_tokens=2000))
        _, task = begin(stage, "openai_chat", client)
        await until(lambda: client.watcher)
        client.leave()
        relay.go_on()
        await task

    stage = play(story, money=4000, relay=relay, model=model)
    assert [(row.ending, row.usage.output_tokens) for row in stage.ledger.rows] == [("client_gone", output_tokens)]


def test_a_relayed_answer_that_breaks_off_is_none() -> None:
    """A whole answer that breaks off before its end is an error, whatever came of it."""
    relay = FakeRelayUpstream("openai_chat", PAUSE, chunk("a"), UpstreamFailed("it is broken"))

    async def story(stage: Stage) -> None:
        client = RecordingClient(body_of(max_tokens=2000))
        _, task = begin(stage, "openai_chat", client)
        await until(lambda: relay.attempts)
        relay.go_on()
        await task
        assert client.status == 502

    stage = play(story, money=4000, relay=relay)
    assert [row.ending for row in stage.ledger.rows] == ["upstream_cut"]


def test_a_relayed_answer_waits_for_its_funds() -> None:
    """What comes while the books are asked is passed on when they have answered, in order, its end included."""
    relay = FakeRelayUpstream(
        "openai_chat", PAUSE, *([b"x"] * 1400), b"y", Last(b"END", Usage(PROMPT, output_tokens=1401))
    )

    async def story(stage: Stage) -> None:
        client = RecordingClient(body_of(stream=True, max_tokens=2000))
        _, task = begin(stage, "openai_chat", client)
        await until(lambda: relay.attempts)
        relay.go_on()
        await task
        assert client.stream.endswith(b"xyEND")
        assert client.stream.count(b"x") == 1400

    stage = play(story, money=4000, relay=relay)
    assert [(row.ending, row.note) for row in stage.ledger.rows] == [("completed", "")]


def test_a_stream_waits_for_its_funds() -> None:
    """A burst that the books have to be asked for is held back until they answer; the client can leave meanwhile."""
    burst: tuple[Step, ...] = ((TextDelta("a"),), PAUSE, tuple([TextDelta("b")] * 900), *said(5)[-1:])

    async def story(stage: Stage) -> None:
        client = RecordingClient(body_of(stream=True, max_tokens=2000))
        _, task = begin(stage, "openai_chat", client)
        await until(lambda: stage.upstream.attempts)
        stage.book.engine.gate.clear()
        stage.upstream.go_on()
        await turns()
        assert stage.upstream.attempts[-1].did == ["pause"]
        assert b'"b"' not in client.stream
        assert client.watcher is not None
        client.watcher.client_full()
        client.watcher.client_ready()
        assert stage.upstream.attempts[-1].did == ["pause", "pause"]
        client.watcher.client_full()
        stage.book.engine.gate.set()
        await task
        assert client.stream.count(b'"b"') == 900
        assert b"[DONE]" in client.stream

    stage = play(story, *burst, money=3000)
    assert [row.ending for row in stage.ledger.rows] == ["completed"]


def test_a_hold_that_grows_in_time() -> None:
    """The next slice is asked for before it is needed: the call does not wait."""
    words: Step = tuple([TextDelta("a")] * 200)

    async def story(stage: Stage) -> None:
        client = RecordingClient(body_of(stream=True, max_tokens=2000))
        _, task = begin(stage, "openai_chat", client)
        await until(lambda: stage.upstream.attempts)
        stage.upstream.go_on()
        await turns()
        stage.upstream.go_on()
        await task
        assert stage.upstream.attempts[0].did == []

    stage = play(story, PAUSE, words, PAUSE, *said(100, Usage(PROMPT, output_tokens=300)), money=2000)
    assert [row.charge_nano for row in stage.ledger.rows] == [PROMPT + 600]


def test_an_upstream_that_fails_while_the_call_waits() -> None:
    """What was said before is paid and given first, then the failure is told."""
    words: Step = tuple([TextDelta("b")] * 900)

    async def story(stage: Stage) -> None:
        client = await ask(stage, stream=True, max_tokens=2000)
        assert client.stream.count(b'"b"') == 900
        assert client.stream.count(b"it broke off") == 1

    stage = play(story, (TextDelta("a"),), words, UpstreamCut("it broke off"), money=3000)
    assert [(row.ending, row.usage.output_tokens) for row in stage.ledger.rows] == [("upstream_cut", 901)]


def test_a_call_that_is_over_while_its_hold_asks() -> None:
    """The question is dropped, and what comes for it is nobody's."""
    words: Step = tuple([TextDelta("a")] * 200)

    async def story(stage: Stage) -> None:
        client = RecordingClient(body_of(stream=True, max_tokens=2000))
        _, task = begin(stage, "openai_chat", client)
        await until(lambda: stage.upstream.attempts)
        stage.book.engine.gate.clear()
        stage.upstream.go_on()
        client.leave()
        await task
        stage.book.engine.gate.set()
        await turns()
        assert stage.platform.desk.find(ACCOUNT, "money").held == 0

    assert [row.ending for row in play(story, PAUSE, words, PAUSE, money=2000).ledger.rows] == ["client_gone"]


def test_a_call_that_the_upstream_refuses_holds_nothing() -> None:
    """A refused call has no row; its place, its tokens and its money are free again, its request is used."""

    async def story(stage: Stage) -> None:
        assert (await ask(stage)).status == 429
        funds = [stage.platform.desk.find(ACCOUNT, kind, SEEDLING.id, 20) for kind in ("tpm", "in_flight")]
        assert [fund.held for fund in (*funds, stage.platform.desk.find(ACCOUNT, "money"))] == [0, 0, 0]

    limits = Limits(every=ModelLimits(rpm=20, tpm=20, in_flight=20))
    assert play(story, UpstreamBusy("it is busy", retry_after_s=60), money=1000, limits=limits).ledger.rows == []


def test_a_call_in_quarantine_is_not_paid() -> None:
    """What was taken for a call that the books refuse is free again."""

    async def story(stage: Stage) -> None:
        stage.ledger.outcome = "quarantined"
        await ask(stage)
        assert sum(lease.idle for lease in stage.platform.desk.find(ACCOUNT, "money").leases) == 1000 // 4

    play(story, *said(3), money=1000)


def test_a_full_spool_admits_nothing() -> None:
    """A call that could not be kept is not begun."""

    async def story(stage: Stage) -> None:
        stage.spool.is_full = True
        client = await ask(stage)
        assert (client.status, client.headers) == (503, {"retry-after": "2"})

    play(story, *said(3), money=1000)


@pytest.mark.parametrize(
    "limits, expected",
    [
        pytest.param(Limits(), (100, 10_000_000, 16), id="the platform's"),
        pytest.param(Limits(every=ModelLimits(rpm=5)), (5, 10_000_000, 16), id="the account's"),
        pytest.param(
            Limits(every=ModelLimits(rpm=5, tpm=7), models={"m": ModelLimits(tpm=6)}), (5, 6, 16), id="on the model"
        ),
        pytest.param(Limits(models={"m": ModelLimits(in_flight=0)}), (100, 10_000_000, 0), id="none at all"),
    ],
)
def test_which_limits_hold(limits: Limits, expected: tuple[int, int, int]) -> None:
    """Those on the model come first, then the account's, then the platform's."""
    found = limits_on(limits, "m")
    assert (found.rpm, found.tpm, found.in_flight) == expected


def test_limits_are_of_the_account_and_end_with_the_call() -> None:
    """One call at a time, three a minute: the second at once waits for no one, the fourth for the next minute."""

    async def story(stage: Stage) -> None:
        client = RecordingClient(body_of())
        _, task = begin(stage, "openai_chat", client)
        await until(lambda: stage.upstream.attempts)
        second = await ask(stage)
        assert (second.status, second.headers) == (429, {"retry-after": "1"})
        assert b"the limit of 1 calls at a time" in second.body
        stage.upstream.go_on()
        await task
        await begin_and_end(stage)
        await begin_and_end(stage)
        fourth = await ask(stage)
        assert fourth.status == 429
        assert fourth.headers == {
            "retry-after": "60",
            "x-ratelimit-limit-requests": "3",
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-requests": "60s",
            "anthropic-ratelimit-requests-limit": "3",
            "anthropic-ratelimit-requests-remaining": "0",
            "anthropic-ratelimit-requests-reset": "2026-11-23T00:01:00.000Z",
        }

    async def begin_and_end(stage: Stage) -> None:
        _, task = begin(stage, "openai_chat", RecordingClient(body_of()))
        await turns()
        stage.upstream.go_on()
        await task

    play(story, PAUSE, *said(3), money=1000, limits=Limits(every=ModelLimits(rpm=3, in_flight=1)))


def test_tokens_of_the_minute_are_put_right() -> None:
    """A call holds its estimate and what it may say, and at its end counts what it took, also where that is more."""

    async def story(stage: Stage) -> None:
        await ask(stage, max_tokens=20)
        refused = await ask(stage, max_tokens=20)
        assert (refused.status, refused.headers["retry-after"]) == (429, "60")
        assert refused.headers["x-ratelimit-limit-tokens"] == "500"

    limits = Limits(every=ModelLimits(tpm=500))
    play(story, *said(3, Usage(PROMPT, output_tokens=600)), money=10_000, limits=limits)

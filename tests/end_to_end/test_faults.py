"""The fault matrix: everything a model server may do, asked for in every way, through the real platform.

All rows are asked at once, before the first test; the tests look at what came of them.
"""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from tests.end_to_end.asking import Client, Heard, ask, open_call, send_call
from tests.end_to_end.faults import INVALID, REFUSED, WORDS, Row, Upstream, list_rows
from tests.end_to_end.running import Running, running, wait_for
from tests.fault_server.server import FaultServer
from tests.fault_server.thread import fault_server

pytestmark = pytest.mark.timeout(600)  # the first test waits until all rows were asked

ROWS = tuple(list_rows())
AT_ONCE = 8
MOST_CALLS = 10_000
LONGEST_S = 10.0
CALLS_PER_RETRY = 10  # retries are a tenth of the calls in a minute
CANCELLED_WITHIN_S = 1.0
TOLD_TOKENS = (15, 4, 7)
COUNTS = ("input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
OVERFLOW_WORDS: dict[Client, str] = {
    "chat": "This model's maximum context length is 1000 tokens. However, your messages resulted in 1200 tokens.",
    "messages": "prompt is too long: 1200 tokens > 1000 maximum",
}
LEFT_MODELS = {
    "abort": "text:tokens=1000:gap_ms=5",
    "abort-whole": "text:silent",
    "drain": "text:tokens=40:gap_ms=5",
}
PAIRS: list[tuple[Client, Upstream]] = [
    ("chat", "openai"),
    ("chat", "anthropic"),
    ("messages", "openai"),
    ("messages", "anthropic"),
]


class Played(NamedTuple):
    """The matrix once it was asked: what clients heard, the rows on the books, and who took part."""

    heard: dict[Row, Heard]
    books: dict[str, dict[str, Any]]
    booked: int
    asked: int
    platform: Running
    server: FaultServer


def write_config(server: FaultServer, away_port: int) -> str:
    """Write a configuration with a model for every row, so that no row spoils the health of another's deployment."""
    lines: list[str] = []
    for name, port in (("there", server.port), ("away", away_port)):
        for kind, path in (("openai", "/v1"), ("anthropic", "")):
            lines += ["[[upstreams]]", f'name = "{kind}-{name}"', f'kind = "{kind}"']
            lines.append(f'base_url = "http://127.0.0.1:{port}{path}"')
    for row in ROWS:
        lines += ["[[models]]", f'id = "{row.model}"', 'capabilities = ["tools", "thinking"]']
        lines += [f"timeouts = {row.fault.timeouts}", "[[models.deployments]]"]
        lines += [f'upstream = "{row.upstream}-{row.fault.place}"', f'model = "{row.fault.scenario}:row={row.model}"']
    for policy, scenario in LEFT_MODELS.items():
        for kind in ("openai", "anthropic"):
            lines += [
                "[[models]]",
                f'id = "{policy}-{kind}"',
                f'on_client_gone = "{policy.partition("-")[0]}"',
                "[[models.deployments]]",
            ]
            lines += [f'upstream = "{kind}-there"', f'model = "{scenario}"']
    lines += ["[[models]]", 'id = "well"', 'deployments = [{ upstream = "openai-there", model = "text" }]']
    return "\n".join(lines)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Ask every row of the matrix.

    Rows that retry are asked one after another, each after calls enough to allow for it.
    """
    data = tmp_path_factory.mktemp("faults") / "data"
    data.mkdir()
    with fault_server() as server, socket.socket() as away:
        away.bind(("127.0.0.1", 0))  # and never listens
        (data / "setaria.toml").write_text(write_config(server, away.getsockname()[1]))
        with running(data) as platform, ThreadPoolExecutor(AT_ONCE) as pool:
            retrying = [row for row in ROWS if row.outcome.attempts > 1]
            slow = pool.submit(lambda: {row: ask_retrying(platform, row) for row in retrying})
            others = [row for row in ROWS if row not in set(retrying)]
            heard = dict(zip(others, pool.map(lambda row: ask_row(platform, row), others), strict=True))
            heard |= slow.result()
            booked = platform.calls(MOST_CALLS)
            asked = len(ROWS) + CALLS_PER_RETRY * len(retrying)
            yield Played(heard, {row["id"]: row for row in booked}, len(booked), asked, platform, server)


def leave(played: Played, client: Client, model: str, *, stream: bool, after_requests: int) -> str:
    """Make a call and leave when the server is at work; gives the call's id, empty when it was not told yet."""
    if stream:
        connection, answer = open_call(played.platform, client, model, stream=True)
        answer.read1(1)
        connection.close()
        answer.close()
        return answer.headers["x-request-id"]
    connection = send_call(played.platform, client, model, stream=False)
    wait_for(lambda: played.server.counts["requests"] > after_requests)
    connection.close()
    return ""


def find_row(played: Played, call_id: str, client: Client, model: str) -> dict[str, Any] | None:
    """Find the newest row of a call, or where its id was never told of that kind of call."""
    protocol = "openai_chat" if client == "chat" else "anthropic_messages"
    for row in played.platform.calls():
        kind = (row["model"], row["protocol"], row["stream"])
        if row["id"] == call_id or (not call_id and kind == (model, protocol, False)):
            return row
    return None


def ask_row(platform: Running, row: Row) -> Heard:
    """Ask one row."""
    return ask(platform, row.client, row.model, stream=row.mode == "stream")


def ask_retrying(platform: Running, row: Row) -> Heard:
    """Ask one row that needs a retry, after calls that need none."""
    for _ in range(CALLS_PER_RETRY):
        ask(platform, "chat", "well", stream=False)
    return ask_row(platform, row)


@pytest.mark.parametrize("row", ROWS, ids=[row.model for row in ROWS])
def test_the_client_hears(row: Row, played: Played) -> None:
    """Every call ends in time, as its protocol has it, with all that was said before."""
    heard, outcome = played.heard[row], row.outcome
    assert (heard.status, heard.error, heard.ended) == (outcome.status, row.error_type, outcome.ended)
    assert heard.seconds < LONGEST_S
    assert heard.headers.get("retry-after", "") == outcome.retry_after
    assert ("x-should-retry" in heard.headers) == (outcome in {REFUSED, INVALID})
    assert heard.model in ("", row.model)
    if outcome.ended:
        assert (heard.text, heard.thought, heard.calls) == (outcome.text, outcome.thought, outcome.calls)
    else:
        assert heard.text.startswith(outcome.text)
        assert WORDS.startswith(heard.text)


@pytest.mark.parametrize("row", ROWS, ids=[row.model for row in ROWS])
def test_the_books_say(row: Row, played: Played) -> None:
    """Every call that was not refused has its row, with how it ended and what it took."""
    heard, outcome = played.heard[row], row.outcome
    booked = played.books.get(heard.call_id)
    if not outcome.ending:
        assert booked is None
        return
    assert booked is not None
    assert booked["ending"] == outcome.ending
    assert booked["counts_from"] == outcome.counts_from
    assert (booked["attempts"], booked["status"]) == (outcome.attempts, outcome.status)
    tokens = [booked[name] for name in COUNTS]
    assert all(type(count) is int and count >= 0 for count in tokens)
    if outcome.counts_from == "upstream" and outcome.ended and row.name != "usage negative":
        assert tuple(booked[name] for name in ("input_tokens", "cached_input_tokens", "output_tokens")) == TOLD_TOKENS
        assert heard.tokens == (sum(TOLD_TOKENS[:2]), TOLD_TOKENS[2])
    elif outcome.text:
        assert sum(tokens[:3]) > 0
        assert booked["output_tokens"] > 0
        if outcome.ended:
            assert heard.tokens == (sum(tokens[:3]), booked["output_tokens"])


@pytest.mark.parametrize("client, upstream", PAIRS)
@pytest.mark.parametrize("mode", ["stream", "whole"])
def test_an_overflow_is_told_in_the_words_that_clients_parse(
    mode: str, client: Client, upstream: Upstream, played: Played
) -> None:
    """Whatever a server's words for it, the caller reads those of its own protocol."""
    row = next(row for row in ROWS if row[0] == "overflow" and row[2:] == (client, upstream, mode))
    assert played.heard[row].message.startswith(OVERFLOW_WORDS[client])


def test_there_is_one_row_a_call_and_no_other(played: Played) -> None:
    """No call has two rows, and no row is of a call that was refused or never made."""
    refused = sum(not row.outcome.ending for row in ROWS)
    assert played.booked == len(played.books) == played.asked - refused
    assert len({heard.call_id for heard in played.heard.values()}) == len(ROWS)


def test_no_connection_is_left_over(played: Played) -> None:
    """What is still open at the server is idle in the pool: no more than there were calls at once."""
    wait_for(lambda: played.server.counts["open"] <= AT_ONCE + 1)


def test_nothing_is_logged_as_our_own_fault(played: Played) -> None:
    """Whatever servers do is no defect of the platform's."""
    assert [line for line in played.platform.log_lines if line["level"] in ("error", "critical")] == []


@pytest.mark.parametrize("client, upstream", PAIRS)
@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_frees_the_server(
    stream: bool, client: Client, upstream: Upstream, played: Played
) -> None:
    """The request at the server is cancelled within a second, and the call is on the books as left."""
    cancelled, requests = played.server.counts["cancelled"], played.server.counts["requests"]
    model = f"abort-{upstream}" if stream else f"abort-whole-{upstream}"
    call_id = leave(played, client, model, stream=stream, after_requests=requests)
    wait_for(lambda: played.server.counts["cancelled"] > cancelled, CANCELLED_WITHIN_S)
    row = wait_for(lambda: find_row(played, call_id, client, model))
    assert (row["ending"], row["status"]) == ("client_gone", 200 if stream else 499)


@pytest.mark.parametrize("client, upstream", PAIRS)
def test_a_client_that_leaves_lets_the_answer_be_read(client: Client, upstream: Upstream, played: Played) -> None:
    """With `drain` the server's answer is read to its end, and its own count is on the books."""
    cancelled, requests = played.server.counts["cancelled"], played.server.counts["requests"]
    call_id = leave(played, client, f"drain-{upstream}", stream=True, after_requests=requests)
    row = wait_for(lambda: find_row(played, call_id, client, f"drain-{upstream}"))
    assert (row["ending"], row["counts_from"], row["output_tokens"]) == ("client_gone", "upstream", TOLD_TOKENS[2])
    assert played.server.counts["cancelled"] == cancelled

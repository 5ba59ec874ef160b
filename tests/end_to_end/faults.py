"""Faults: what goes wrong, and the one outcome that each way of asking must have."""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from tests.end_to_end.asking import Client

Upstream = Literal["openai", "anthropic"]
Mode = Literal["stream", "whole"]
Place = Literal["there", "away"]
Error = Literal["", "failed", "busy", "timeout", "invalid"]

WORDS = "word0 word1 word2 word3 word4 "
ODD = "line\u2028separator and \u2029 and \u0085 naïve 食べる 🌾\r\n tab\t"
THOUGHT = "Let me think."
PARIS, ROME = ("get_weather", '{"city": "Paris"}'), ("get_weather", '{"city": "Rome"}')
QUICK = "{ first_token_s = 0.3, between_tokens_s = 0.3, total_s = 1 }"
ERROR_TYPES: Mapping[Client, Mapping[Error, str]] = {
    "chat": {
        "": "",
        "failed": "upstream_error",
        "busy": "limitation",
        "timeout": "timeout_error",
        "invalid": "invalid_request_error",
    },
    "messages": {
        "": "",
        "failed": "api_error",
        "busy": "rate_limit_error",
        "timeout": "timeout_error",
        "invalid": "invalid_request_error",
    },
}


class Outcome(NamedTuple):
    """How a call ends: for its client, and on the books, where an empty `ending` stands for no row.

    `ended`: the stream comes to its protocol's end mark, or the body is a whole answer. `text` is said at least.
    """

    status: int
    error: Error
    ended: bool
    ending: str
    counts_from: str
    attempts: int = 1
    retry_after: str = ""
    text: str = ""
    thought: str = ""
    calls: tuple[tuple[str, str], ...] = ()


class Fault(NamedTuple):
    """One fault, and its outcome for a stream and for a whole answer; None where the fault can't befall that."""

    scenario: str
    stream: Outcome | None
    whole: Outcome | None
    timeouts: str = "{}"
    place: Place = "there"


GOOD = Outcome(200, "", True, "completed", "upstream", text=WORDS)
AGAIN = GOOD._replace(attempts=2)
GUESSED = GOOD._replace(counts_from="estimate")
FAILED = Outcome(502, "failed", False, "upstream_failed", "estimate", 2)
CUT = Outcome(200, "failed", False, "upstream_cut", "estimate", text="word0 ")
SILENT = Outcome(504, "timeout", False, "timeout", "estimate")
HANGING = Outcome(200, "timeout", False, "timeout", "estimate", text="word0 ")
REFUSED = FAILED._replace(attempts=1)
INVALID = Outcome(400, "invalid", False, "", "")
BUSY = Outcome(429, "busy", False, "", "")
ODD_TEXT = GOOD._replace(text=ODD)
BOTH_CALLS = GOOD._replace(text="", calls=(PARIS, ROME))


def _both(scenario: str, outcome: Outcome, place: Place = "there") -> Fault:
    return Fault(scenario, outcome, outcome, place=place)


def _stream(scenario: str, outcome: Outcome) -> Fault:
    return Fault(scenario, outcome, None)


FAULTS: Mapping[str, Fault] = {
    "normal": _both("text", GOOD),
    "thinking": _both("thinking", GOOD._replace(thought=THOUGHT)),
    "tools": _both("tools", GOOD._replace(text="", calls=(PARIS,))),
    "parallel": _both("parallel", BOTH_CALLS),
    "same index": _stream("parallel:same_index", BOTH_CALLS),
    # how it is said
    "huge event": _both("huge", GOOD._replace(text="x" * 1_000_000)),
    "odd text": _both("unicode", ODD_TEXT),
    "odd text bytewise": _both("unicode:bytewise", ODD_TEXT),
    "crlf": _stream("text:crlf", GOOD),
    "comments": _stream("text:comments", GOOD),
    "delays": _both("text:head_delay_ms=100:first_delay_ms=100:gap_ms=10", GOOD),
    "endless event": _stream("huge:tokens=50", FAILED),
    "no stream": _stream("text:json_stream", GOOD),
    "crlf comments bytewise": _stream("text:crlf:comments:bytewise", GOOD),
    "all in one piece": _stream("text:glued", GOOD),
    "until close": _both("text:framing=until_close", GOOD),
    "sized": _stream("text:framing=sized", GOOD),
    "closes afterwards": _both("text:close", GOOD),
    "stale connection": _both("text:dead", GOOD),
    "interim answers": _both("text:interim", GOOD),
    "compressed": _both("text:gzip", FAILED),
    "no http": _both("text:garbage", FAILED),
    "huge head": _both("text:big_head=100000", FAILED),
    # cuts
    "cut before the body": _both("text:cut=0", FAILED),
    "cut before the body by a reset": _both("text:cut=0:reset", FAILED),
    "cut before the first token": _both("text:cut=40", FAILED),
    "cut once before the first token": _both("text:cut=40:times=1", AGAIN),
    "cut in the middle": Fault("text:cut=900", CUT, None),
    "cut in the middle by a reset": Fault("text:cut=900:reset", CUT, None),
    "cut in a call": Fault("parallel:cut=1000", CUT._replace(text=""), None),
    "whole answer cut": Fault("text:cut=200", None, FAILED),
    "cut after the finish": _stream("text:cut_mark", GOOD),
    "cut after the finish without usage": _stream("text:cut_mark:usage=missing", GUESSED),
    "no finish": _stream("text:unfinished", CUT),
    # what is said
    "error at once": _stream("text:error_after=0", FAILED),
    "error once": _stream("text:error_after=0:times=1", AGAIN),
    "error after 200": _stream("text:error_after=5", CUT),
    "error after 200 in one piece": _stream("text:error_after=5:glued", CUT),
    "broken json at once": _both("text:broken_after=0", FAILED),
    "broken json": _stream("text:broken_after=4", CUT),
    "usage missing": _both("text:usage=missing", GUESSED),
    "usage double": _both("text:usage=double", GOOD),
    "usage negative": _both("text:usage=negative", GUESSED),
    "usage float": _both("text:usage=float", GOOD),
    # refusals
    "401": _both("text:status=401", REFUSED),
    "402": _both("text:status=402", REFUSED),
    "403": _both("text:status=403", REFUSED),
    "404": _both("text:status=404", REFUSED),
    "400": _both("text:status=400", INVALID),
    "413": _both("text:status=413", INVALID),
    "422": _both("text:status=422", INVALID),
    "529": _both("text:status=529", BUSY),
    "400 without an end": _both("text:status=400:slow_refusal", INVALID),
    "overflow": _both("text:status=400:overflow", INVALID),
    "429 waited out": _both("text:status=429:retry_after=1:times=1", AGAIN),
    "429 handed on": _both("text:status=429:retry_after=30", BUSY._replace(retry_after="30")),
    "429 without a time": _both("text:status=429", BUSY),
    "500 once": _both("text:status=500:times=1", AGAIN),
    "500": _both("text:status=500", FAILED),
    "503": _both("text:status=503", FAILED),
    "503 for a while": _both("text:status=503:retry_after=30", FAILED._replace(attempts=1, retry_after="30")),
    "nothing listens": _both("text", FAILED, "away"),
    # silence
    "never answers": Fault("text:silent", SILENT, SILENT, QUICK),
    "falls silent": Fault("text:hang_after=5", HANGING, None, QUICK),
    "never ends after its answer": Fault("text:hang_after=20", GOOD, None, QUICK),
}


class Row(NamedTuple):
    """One case of the matrix."""

    name: str
    fault: Fault
    client: Client
    upstream: Upstream
    mode: Mode

    @property
    def model(self) -> str:
        """The public name of the row's own model."""
        return f"{self.name}-{self.client}-{self.upstream}-{self.mode}".replace(" ", "-")

    @property
    def outcome(self) -> Outcome:
        """What must come of it."""
        outcome = self.fault.stream if self.mode == "stream" else self.fault.whole
        assert outcome is not None
        if (self.name, self.client, self.upstream) == ("endless event", "messages", "anthropic"):
            return outcome._replace(counts_from="upstream")  # the relay had been told what the prompt took
        if self.name == "no stream" and (self.client == "chat") == (self.upstream == "openai"):
            return FAILED  # a whole answer can't be relayed as a stream
        return outcome

    @property
    def error_type(self) -> str:
        """What the client's protocol calls the error."""
        return ERROR_TYPES[self.client][self.outcome.error]


def list_rows() -> Iterator[Row]:
    """List the whole matrix."""
    clients: tuple[Client, ...] = ("chat", "messages")
    upstreams: tuple[Upstream, ...] = ("openai", "anthropic")
    modes: tuple[Mode, ...] = ("stream", "whole")
    for name, fault in FAULTS.items():
        for mode in modes:
            if (fault.stream if mode == "stream" else fault.whole) is not None:
                yield from (Row(name, fault, client, upstream, mode) for client in clients for upstream in upstreams)

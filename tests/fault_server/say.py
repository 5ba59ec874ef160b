"""Say: what the model says in each content."""

from tests.fault_server.loop import Asked, say_loop
from tests.fault_server.said import THOUGHT, Said
from tests.fault_server.scenario import Scenario

CALLS = (("call_one", "get_weather", '{"city": "Paris"}'), ("call_two", "get_weather", '{"city": "Rome"}'))
ODD_TEXT = ("line\u2028separator", " and \u2029 and \u0085", " naïve 食べる 🌾", "\r\n tab\t")
HUGE_CHARS = 1_000_000
PIECES = Scenario().tokens


def say(scenario: Scenario, asked: Asked) -> Said:
    """Give what the model says; only in a loop it matters what it was asked."""
    match scenario.content:
        case "text":
            return Said((), tuple(f"word{number} " for number in range(scenario.tokens)), ())
        case "thinking":
            return Said(THOUGHT, tuple(f"word{number} " for number in range(scenario.tokens)), ())
        case "tools":
            return Said((), (), CALLS[:1])
        case "parallel":
            return Said((), (), CALLS)
        case "huge":
            return Said((), ("x" * (HUGE_CHARS * scenario.tokens // PIECES),), ())  # in one piece
        case "unicode":
            return Said((), ODD_TEXT, ())
        case "loop":
            return say_loop(asked)

"""Driving: dialogues for the built-in model, and a scheduler stepped by hand."""

import json
from collections.abc import Sequence

from setaria.adapters.upstreams.local.engine.call import Call
from setaria.adapters.upstreams.local.engine.model import LocalModel
from setaria.adapters.upstreams.local.engine.runs import Runs
from setaria.adapters.upstreams.local.engine.scheduler import ROWS, Scheduler
from setaria.adapters.upstreams.local.frames import Done, Failed, Piece, Tell
from setaria.core.dialogue import Dialogue, Message, Reasoning, Sampling, Text, Tool, ToolCall, ToolResult

WEATHER = Tool(
    "get_current_weather",
    "Get the current weather in a given location",
    json.dumps(
        {
            "type": "object",
            "properties": {
                "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["location"],
        }
    ).encode(),
)
WEATHER_CALL = (
    "<tool_call>\n<function=get_current_weather>\n<parameter=location>Hebei</parameter>\n</function>\n</tool_call>"
)
FAQ_MESSAGES = (
    Message(
        "assistant",
        (
            Reasoning("Okay, the user just asked me to introduce myself."),
            Text("Hello! I am MiMo."),
        ),
    ),
    Message("user", (Text("What is the weather like in Hebei?"),)),
)
RESULT_MESSAGES = (
    *FAQ_MESSAGES,
    Message("assistant", (ToolCall("c1", "get_current_weather", '{"location": "Hebei"}'),)),
    Message("tool", (ToolResult("c1", (Text('{"temperature": 22, "condition": "sunny"}'),)),)),
)
GREEDY = Sampling(temperature=0.0, top_p=1.0, seed=1)


def question(text: str, sampling: Sampling = GREEDY, max_output_tokens: int = 64) -> Dialogue:
    """Make a dialogue of one question, without thinking."""
    return Dialogue((Message("user", (Text(text),)),), False, max_output_tokens, sampling)


class Listener:
    """An outlet that keeps what is told."""

    def __init__(self) -> None:
        self.tells: list[Tell] = []

    def deliver(self, tells: list[Tell]) -> None:
        """Keep them."""
        self.tells += tells

    def text(self, call_id: str) -> str:
        """Give a call's text so far."""
        return "".join(tell.text for tell in self.tells if isinstance(tell, Piece) and tell.id == call_id)

    def end(self, call_id: str) -> Done | Failed:
        """Give how a call ended."""
        return next(tell for tell in self.tells if isinstance(tell, Done | Failed) and tell.id == call_id)


def answers(model: LocalModel, dialogues: Sequence[Dialogue], rows: int = ROWS) -> list[str]:
    """Answer dialogues beside each other and give their texts."""
    listener = Listener()
    scheduler = Scheduler(model, rows)
    runs = Runs(model)
    for index, dialogue in enumerate(dialogues):
        scheduler.submit(runs.make(Call(str(index), listener), dialogue))
    while scheduler.step():
        pass
    assert all(isinstance(listener.end(str(index)), Done) for index in range(len(dialogues)))
    return [listener.text(str(index)) for index in range(len(dialogues))]

"""Random calls: dialogues of every size and kind, valid or not, for an engine that must stand them all."""

import json
import random
from typing import Any

from setaria.core.dialogue import (
    Dialogue,
    Message,
    Reasoning,
    ResponseFormat,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

_TEXT = (
    "weather river Tianjin price 42 key balance hello the of a 'quoted' {json} <think> </tool_call> naïve 你好 🙂 \n\n "
    "function=x parameter context server token upstream answer list code def return import while"
)
_WORDS = _TEXT.split(" ")
_LONGEST_WORDS = 5_000
_TYPES = ("string", "integer", "number", "boolean", "array", "object", "null", "nonsense")


class RandomCalls:
    """Makes dialogues; some go on where an earlier one ended, so that there is something to be reused."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self._earlier: list[Dialogue] = []

    def dialogue(self) -> Dialogue:
        """Make a dialogue."""
        rng = self.rng
        messages: tuple[Message, ...]
        if self._earlier and rng.random() < 0.35:
            base = rng.choice(self._earlier)
            messages, tools = (*base.messages, *self._turn()), base.tools
        else:
            messages, tools = self._opening(), self._tools()
        made = Dialogue(
            messages=messages,
            thinking=rng.random() < 0.4,
            max_output_tokens=int(2 ** rng.uniform(0, 9)),
            sampling=self._sampling(),
            tools=tools,
            tool_choice=self._choice(tools),
            response_format=self._form(),
        )
        self._earlier = [*self._earlier[-15:], made]
        return made

    def text(self) -> str:
        """Make a text; its length is spread evenly over the orders of magnitude."""
        words = int(self.rng.uniform(1, _LONGEST_WORDS ** self.rng.random()))
        return " ".join(self.rng.choices(_WORDS, k=words))

    def _opening(self) -> tuple[Message, ...]:
        system = (Message("system", (Text(self.text()),)),) if self.rng.random() < 0.5 else ()
        return (*system, Message("user", (Text(self.text()),)))

    def _turn(self) -> tuple[Message, ...]:
        """Make an answer and what follows it."""
        rng = self.rng
        if rng.random() < 0.4:
            arguments = json.dumps({"location": self.text()[:60]}) if rng.random() < 0.8 else "no json"
            return (
                Message("assistant", (Reasoning("I call."), ToolCall("c", f"tool_{rng.randrange(9)}", arguments))),
                Message("tool", (ToolResult("c", (Text(self.text()[:2_000]),), rng.random() < 0.2),)),
            )
        return (Message("assistant", (Text(self.text()[:400]),)), Message("user", (Text(self.text()[:400]),)))

    def _sampling(self) -> Sampling:
        rng = self.rng
        is_plain = rng.random() < 0.3
        biases = tuple((rng.randrange(4_000), rng.uniform(-100, 100)) for _ in range(rng.choice((0, 0, 3, 300))))
        stops = tuple(rng.choice(("the", ".", "\n", "ab", "。", "Setaria is")) for _ in range(rng.choice((0, 0, 1, 4))))
        return Sampling(
            temperature=0.0 if is_plain else rng.uniform(0, 2),
            top_p=1.0 if is_plain else rng.uniform(0.01, 1),
            frequency_penalty=0.0 if is_plain else rng.uniform(-2, 2),
            presence_penalty=0.0 if is_plain else rng.uniform(-2, 2),
            seed=rng.choice((None, rng.randrange(2**63))),
            stop=stops,
            logit_bias=biases,
        )

    def _tools(self) -> tuple[Tool, ...]:
        rng = self.rng
        count = rng.choice((0, 0, 1, 2, 5, 25))
        return tuple(
            Tool(f"tool_{number}", self.text()[:300], json.dumps(self._object(rng.randrange(3))).encode())
            for number in range(count)
        )

    def _choice(self, tools: tuple[Tool, ...]) -> ToolChoice:
        rng = self.rng
        needy = ("required", "named") if tools or rng.random() < 0.1 else ()
        mode = rng.choice(("auto", "auto", "auto", "none", *needy))
        if mode == "named":
            return ToolChoice("named", tools[-1].name if tools and rng.random() < 0.9 else "absent")
        return ToolChoice(mode, parallel=rng.random() < 0.8)

    def _form(self) -> ResponseFormat:
        roll = self.rng.random()
        if roll < 0.75:
            return ResponseFormat()
        if roll < 0.85:
            return ResponseFormat("json_object")
        schema = b"{broken" if roll < 0.86 else json.dumps(self._object(2)).encode()
        return ResponseFormat("json_schema", schema)

    def _object(self, depth: int) -> dict[str, Any]:
        names = [f"{self.rng.choice('abcdefgh')}_{number}" for number in range(self.rng.randrange(6))]
        return {
            "type": "object",
            "properties": {name: self._value(depth) for name in names},
            "required": [name for name in names if self.rng.random() < 0.6],
        }

    def _value(self, depth: int) -> dict[str, Any]:
        kind = self.rng.choice(_TYPES[: len(_TYPES) - (self.rng.random() < 0.97)])
        if kind == "object" and depth:
            return self._object(depth - 1)
        if kind == "array":
            return {"type": "array", "items": self._value(depth - 1) if depth > 0 else {}, "maxItems": 4}
        if kind == "string" and self.rng.random() < 0.4:
            return {"type": "string", "enum": ["celsius", "fahrenheit", 'a "quoted" one']}
        return {"type": kind, "description": self.text()[:80]}

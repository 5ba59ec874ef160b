"""Call grammar: the rules of tool calls in a model's own syntax, so that an invalid call cannot be written.

Rules are lines in llguidance's dialect of Lark. In XML the arguments come in the schema's order; the value of a string
is free text up to the closing mark, every other value is JSON after its schema. In JSON the whole call is after the
schema. What the syntax cannot carry, such as a `>` in the name of an XML call, is not offered to the model at all.
"""

import json
import re
from collections.abc import Iterable

from setaria.adapters.upstreams.local.engine.schema import (
    LENIENT,
    follow,
    properties_of,
    required_of,
    texts_of,
    types_of,
    write_schema,
)
from setaria.adapters.upstreams.local.engine.speech import (
    CALL,
    CALL_END,
    FUNCTION,
    FUNCTION_END,
    PARAMETER,
    PARAMETER_END,
    Speech,
)
from setaria.adapters.upstreams.local.engine.template import Json, json_object
from setaria.core.dialogue import Tool

_XML_NAME = re.compile(r"[^<>\s]([^<>\n]*[^<>\s])?")
_SHARED = ("$defs", "definitions")


class CallGrammar:
    """Writes the rule `call` for some tools; `rules` are all that it needs.

    Rules for values that are the same in several tools are written once.
    """

    def __init__(self, tools: Iterable[Tool], speech: Speech) -> None:
        self.rules: list[str] = []
        self._speech = speech
        self._names: dict[str, str] = {}
        is_xml = speech.calls == "xml"
        functions = [self._xml_function(tool) if is_xml else self._json_function(tool) for tool in tools]
        self.has_calls = any(functions)
        if is_xml:
            self.rules.append(f'value: {self._until(PARAMETER_END, "VALUE")} "\\n"')
            body = f'"\\n" {self._mark(FUNCTION)} function {self._mark(FUNCTION_END)} "\\n"'
        else:
            body = '"\\n"? function "\\n"?'
        self.rules.append(f"call: {self._mark(CALL)} {body} {self._mark(CALL_END)}")
        self.rules.append(f"function: {' | '.join(filter(None, functions))}")

    def _xml_function(self, tool: Tool) -> str:
        """Write a tool's rule and give its name, empty when the tool cannot be called in this syntax."""
        schema = json_object(tool.parameters) or {}
        properties, required = properties_of(schema), required_of(schema)
        if not all(map(_XML_NAME.fullmatch, (tool.name, *required))):
            return ""
        shared = {key: schema[key] for key in _SHARED if key in schema}
        parts = [_quote(f"{tool.name}>\n")]
        for name in dict.fromkeys((*properties, *required)):
            if _XML_NAME.fullmatch(name):
                rule = self._rule(
                    f"{self._mark(PARAMETER)} {_quote(f'{name}>')} {self._value(properties.get(name), shared)}"
                )
                parts.append(rule if name in required else f"{rule}?")
        return self._rule(" ".join(parts))

    def _value(self, schema: Json, shared: dict[str, Json]) -> str:
        """Write what may stand between a parameter's marks, the closing one with it."""
        if not isinstance(schema, dict):
            return "value"
        meant = follow(schema, shared)
        texts, types = texts_of(meant), types_of(meant)
        if texts:
            return f"{self._rule(' | '.join(map(_quote, texts)))} {self._end()}"
        if "string" in types or not (types or "enum" in meant or "const" in meant):
            return "value"
        return f"{self._rule(f'LINE? %json {write_schema({**schema, **shared}, LENIENT)} LINE?')} {self._end()}"

    def _json_function(self, tool: Tool) -> str:
        schema = json_object(tool.parameters) or {}
        whole = {"type": "object", "additionalProperties": False, **schema}
        head = _quote(f'{{"name": {json.dumps(tool.name, ensure_ascii=False)}, "arguments": ')
        return self._rule(f'{head} %json {write_schema(whole, LENIENT)} "}}"')

    def _end(self) -> str:
        return f'{self._mark(PARAMETER_END)} "\\n"'

    def _until(self, marker: str, text: str) -> str:
        """Write any text up to a marker and the marker, which is one token or letters like all others."""
        if marker in self._speech.marks:
            self.rules.append(f"{text}: ANY & ~(ANY {_quote(marker)} ANY)")
            return f"{text} {self._mark(marker)}"
        self.rules.append(f"text_value[suffix={_quote(marker)}]: ANY")
        return "text_value"

    def _mark(self, marker: str) -> str:
        return write_mark(self._speech, marker)

    def _rule(self, body: str) -> str:
        """Give the name of the rule with this body, which is written when it is new."""
        name = self._names.get(body)
        if name is None:
            name = self._names[body] = f"r{len(self._names)}"
            self.rules.append(f"{name}: {body}")
        return name


def write_mark(speech: Speech, marker: str) -> str:
    """Write a marker as its token, or as its letters where the vocabulary has no token for it."""
    token_id = speech.marks.get(marker)
    return _quote(marker) if token_id is None else f"<[{token_id}]>"


def _quote(text: str) -> str:
    return json.dumps(text)

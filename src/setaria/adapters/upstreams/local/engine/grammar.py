"""Grammar: the form that an answer must have, as a grammar that each drawn token is held to.

An answer is thinking, where it is on, and then one of these:

    asked for                          the answer is
    nothing                            text
    tools                              text, then calls if the model wants to
    tool_choice `required` or named    calls
    response_format                    JSON after the schema; with tools, that or calls

A model that is to think thinks something: its thought is never empty. Text holds no special token and nothing that its
reader would take for a mark. What goes on behind the beginning of an answer is the same, but never thinking, and never
JSON: its grammar would have to start in the middle.
"""

import json

from setaria.adapters.upstreams.local.engine.call_grammar import CallGrammar, write_mark
from setaria.adapters.upstreams.local.engine.schema import STRICT, write_schema
from setaria.adapters.upstreams.local.engine.speech import CALL, THINK, THINK_END, Speech
from setaria.adapters.upstreams.local.engine.template import json_object, offered_tools
from setaria.core.dialogue import Dialogue, ResponseFormat
from setaria.core.errors import InvalidRequest

_BREAKS = '("\\n" "\\n"?)?'  # what models put between their thinking and what follows


def write_grammar(dialogue: Dialogue, speech: Speech, *, inside_thinking: bool) -> str:
    """Write the grammar of a dialogue's answer.

    Takes: inside_thinking, whether the prompt ended within an open think block.
    Raises: InvalidRequest when a call is asked for that the model cannot write, when the schema is none, or when an
        answer that was begun is asked for as JSON.
    """
    tools = offered_tools(dialogue) if speech.calls != "none" else ()
    calls = CallGrammar(tools, speech) if tools else None
    may_call = calls is not None and calls.has_calls
    must_call = dialogue.tool_choice.mode in ("required", "named")
    if must_call and not may_call:
        raise InvalidRequest(
            "tool_choice asks for a call that this model cannot write; set it to auto or use another model",
            param="tool_choice",
        )
    has_thinking = inside_thinking or (dialogue.thinks_first and speech.thinks)
    lines = ["start: thinking answer" if has_thinking else "start: answer"]
    if has_thinking:
        opening = "" if inside_thinking else write_mark(speech, THINK)
        lines += [
            f"thinking: {opening} THOUGHT {write_mark(speech, THINK_END)}",
            "THOUGHT: SOME & " + _without(THINK_END, CALL),
            "SOME: /(?s:.*\\S.*)/",
        ]
    lines.append(f"answer: {_answer(dialogue, may_call=may_call, must_call=must_call)}")
    if calls is not None and may_call:
        more = "" if not dialogue.tool_choice.parallel else ' ("\\n"? call)*'
        lines += [f"calls: call{more}", *calls.rules]
    unwanted = ([CALL] if may_call else []) + ([] if has_thinking else [THINK, THINK_END])
    lines += ["TEXT: " + _without(*unwanted), 'LINE: "\\n"', "ANY: /(?s:.*)/"]
    return "\n".join(lines)


def _answer(dialogue: Dialogue, *, may_call: bool, must_call: bool) -> str:
    calls, form = f"{_BREAKS} calls", dialogue.response_format
    if must_call:
        return calls
    if form.kind == "text":
        return "TEXT calls?" if may_call else "TEXT"
    if dialogue.continues:
        raise InvalidRequest(
            "the last message begins the answer, and this model cannot go on with JSON that others began; "
            "leave out that message, or the format",
            param="messages",
        )
    content = f"{_BREAKS} %json {_written_schema(form)}"
    return f"{content} | {calls}" if may_call else content


def _written_schema(form: ResponseFormat) -> str:
    if form.kind == "json_object":
        return write_schema({"type": "object"}, STRICT)
    schema = json_object(form.schema)
    if schema is None:
        raise InvalidRequest("the schema in response_format is no JSON object", param="response_format")
    return write_schema(schema, STRICT)


def _without(*unwanted: str) -> str:
    """Write the terminal that is any text without some words."""
    return "ANY" + "".join(f" & ~(ANY {json.dumps(word)} ANY)" for word in unwanted)

"""Loop: what the model says in a whole loop of tool calls, whatever tools the caller offers.

Asked with the path of a file `hello.txt`, it calls the tool that reads files, then the one that writes, to put the word
that it was told into `out.txt` beside it, and then says the word. It knows the word only from the tool's result, so a
loop that ends well has carried everything there and back.
"""

import json
import re
from typing import Any, NamedTuple

from tests.fault_server.said import THOUGHT, Said

WORD = re.compile(r"secret-[0-9a-f]{12}")
NOTHING = "I have seen no secret word."
_FOLDER = re.compile(r"(/[\w./-]+)/hello\.txt")
_READERS = ("Read", "read", "read_file", "read_files", "readFile")
_WRITERS = ("Write", "write", "write_file", "write_to_file", "writeFile", "editor")
_ENDERS = ("attempt_completion", "submit_and_exit")
_PATHS = ("path", "file_path", "filePath", "filepath", "file", "files", "paths")
_TEXTS = ("content", "contents", "text", "file_text", "new_text", "new_string", "result", "summary", "response")


class Asked(NamedTuple):
    """What matters of a request: the tools by name with their schemas, the results so far, and all that was said."""

    tools: dict[str, Any]
    results: list[str]
    text: str


def read_asked(body: dict[str, Any], *, is_anthropic: bool) -> Asked:
    """Read a request of either protocol."""
    messages, tools = body.get("messages", []), body.get("tools") or []
    if is_anthropic:
        blocks = [block for message in messages if isinstance(message["content"], list) for block in message["content"]]
        results = [json.dumps(block.get("content")) for block in blocks if block["type"] == "tool_result"]
        schemas = {tool["name"]: tool.get("input_schema") for tool in tools}
    else:
        results = [json.dumps(message["content"]) for message in messages if message["role"] == "tool"]
        functions = [tool["function"] for tool in tools if tool["type"] == "function"]
        schemas = {function["name"]: function.get("parameters") for function in functions}
    return Asked({name: schema for name, schema in schemas.items() if schema}, results, json.dumps(messages))


def say_loop(asked: Asked) -> Said:
    """Give the next step of the loop."""
    words = WORD.findall(" ".join(asked.results))
    answer = f"The word is {words[0]}." if words else NOTHING
    folder = _FOLDER.search(asked.text)
    steps = ((_READERS, "hello.txt"), (_WRITERS, "out.txt"), (_ENDERS, ""))
    names, file = steps[min(len(asked.results), len(steps) - 1)]
    tool = next((name for name in names if name in asked.tools), None)
    if tool is None or folder is None or len(asked.results) >= len(steps):
        return Said(THOUGHT, tuple(re.findall(r".{1,8}", answer)), ())
    arguments = _fill(asked.tools[tool], f"{folder[1]}/{file}", f"{words[0]}\n" if words else answer)
    return Said(THOUGHT, (), ((f"call_{len(asked.results)}", tool, json.dumps(arguments)),))


def _fill(schema: dict[str, Any], path: str, text: str) -> dict[str, Any]:
    """Fill an object's required and meaningful properties."""
    wanted = {*schema.get("required", ()), *_PATHS, *_TEXTS}
    properties = schema.get("properties", {})
    return {name: _value(name, properties[name], path, text) for name in properties if name in wanted}


def _value(name: str, schema: dict[str, Any], path: str, text: str) -> Any:
    schema = next(iter(schema.get("anyOf", ())), schema)
    kind = schema.get("type", "string")
    if schema.get("enum"):
        return schema["enum"][0]
    match kind if isinstance(kind, str) else kind[0]:
        case "array":
            return [_value(name, schema.get("items", {}), path, text)]
        case "object":
            return _fill(schema, path, text)
        case "boolean":
            return False
        case "integer" | "number":
            return schema.get("minimum", 1)
        case _:
            return path if name in _PATHS else text if name in _TEXTS else "as asked"

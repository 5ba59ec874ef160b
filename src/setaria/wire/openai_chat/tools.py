"""Tools: reads which functions the model may call, and whether it must."""

from collections.abc import Sequence

import msgspec

from setaria.core.dialogue import Tool, ToolChoice
from setaria.core.errors import InvalidRequest
from setaria.core.traits import Traits
from setaria.wire.capability import require_capability
from setaria.wire.fields import (
    Fields,
    is_object,
    is_string,
    optional_boolean,
    optional_object,
    optional_string,
    present,
    read_list,
    read_object,
    read_string,
    required_choice,
    required_object,
    required_string,
)
from setaria.wire.openai_chat.plain import MAX_NAME_CHARS, read_plain_tools

_CHOICES = ("tool_choice", "parallel_tool_calls")
_AUTO = ToolChoice()


def read_tools(fields: Fields, traits: Traits) -> tuple[Tool, ...]:
    """Read the functions that are offered.

    Raises: InvalidRequest, also for a model that can't call tools, two tools of one name, and a web search.
    """
    raw = present(fields, "tools")
    if raw is None:
        return ()
    tools = read_plain_tools(raw)
    if tools is None:
        tools = read_any_tools(raw)
    if tools:
        require_capability(traits, "tools", "tools")
    return tools


def read_any_tools(raw: msgspec.Raw) -> tuple[Tool, ...]:
    """Read the functions that are offered, whatever their form.

    Raises: InvalidRequest, also for two tools of one name, and a web search.
    """
    items = read_list(raw, "tools")
    tools: dict[str, Tool] = {}
    for index, item in enumerate(items):
        path = f"tools[{index}]"
        tool = _read_tool(item, path)
        if tool.name in tools:
            raise InvalidRequest(f"{path}.function.name is the name of an earlier tool", param=f"{path}.function.name")
        tools[tool.name] = tool
    return tuple(tools.values())


def _read_tool(raw: msgspec.Raw, path: str) -> Tool:
    fields = read_object(raw, path)
    if required_choice(fields, "type", f"{path}.type", ("function", "web_search")) == "web_search":
        raise InvalidRequest(
            f"webSearchEnabled is false: {path} asks for web search, which is not switched on. This version of Setaria "
            "has no web search yet; once it has, `setaria search enable ACCOUNT` switches it on",
            param=f"{path}.type",
        )
    place = f"{path}.function"
    function = required_object(fields, "function", place)
    return Tool(
        name=_read_name(function, f"{place}.name"),
        description=optional_string(function, "description", f"{place}.description"),
        parameters=_read_parameters(function, f"{place}.parameters"),
        strict=optional_boolean(function, "strict", f"{place}.strict") or False,
    )


def _read_name(function: Fields, path: str) -> str:
    name = required_string(function, "name", path)
    if len(name) > MAX_NAME_CHARS or not name.isprintable():
        raise InvalidRequest(f"{path} must be 1 to {MAX_NAME_CHARS} printable characters", param=path)
    return name


def _read_parameters(function: Fields, path: str) -> bytes:
    schema = optional_object(function, "parameters", path)
    return b"" if schema is None else bytes(function["parameters"])


def read_tool_choice(fields: Fields, tools: Sequence[Tool]) -> ToolChoice:
    """Read whether a tool must be called; a form that is not known behaves as "auto", as on the reference platform.

    Raises: InvalidRequest for a call that is demanded where no tool, or not that one, is offered.
    """
    if fields.keys().isdisjoint(_CHOICES):
        return _AUTO
    parallel = optional_boolean(fields, "parallel_tool_calls", "parallel_tool_calls") is not False
    raw = present(fields, "tool_choice")
    named = _read_named(raw, tools) if raw is not None and is_object(raw) else ""
    if named:
        return ToolChoice("named", named, parallel)
    match read_string(raw, "tool_choice") if raw is not None and is_string(raw) else "auto":
        case "none":
            return ToolChoice("none", parallel=parallel)
        case "required" if not tools:
            raise InvalidRequest("tool_choice is `required`, but tools offers none", param="tool_choice")
        case "required":
            return ToolChoice("required", parallel=parallel)
        case _:
            return ToolChoice("auto", parallel=parallel)


def _read_named(raw: msgspec.Raw, tools: Sequence[Tool]) -> str:
    """Read the name in {"type": "function", "function": {"name": ...}}; empty for an object of another type."""
    choice = read_object(raw, "tool_choice")
    if optional_string(choice, "type", "tool_choice.type") != "function":
        return ""
    path = "tool_choice.function.name"
    name = required_string(required_object(choice, "function", "tool_choice.function"), "name", path)
    if all(tool.name != name for tool in tools):
        raise InvalidRequest(f"{path} names a tool that is not in tools", param=path)
    return name

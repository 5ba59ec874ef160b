"""Tools: reads which functions the model may call, and whether it must."""

from collections.abc import Sequence

import msgspec

from setaria.core.dialogue import Tool, ToolChoice
from setaria.core.errors import InvalidRequest
from setaria.core.traits import Traits
from setaria.wire.capability import require_capability
from setaria.wire.fields import (
    Fields,
    optional_boolean,
    optional_list,
    optional_object,
    optional_string,
    read_object,
    required_object,
    required_string,
)

_MAX_NAME_CHARACTERS = 128
_SHOWN_CHARACTERS = 60
_TRUE = b"true"
_CUSTOM = "custom"


def read_tools(fields: Fields, traits: Traits) -> tuple[Tool, ...]:
    """Read the tools of the caller's own.

    Tools that the protocol's maker runs on its servers (web search, code execution and the like, told by their `type`)
    are left out.

    Raises: InvalidRequest, also for a model that can't call tools and for two tools of one name.
    """
    tools: dict[str, Tool] = {}
    for at, item in enumerate(optional_list(fields, "tools", "tools")):
        path = f"tools.{at}"
        tool = _read_tool(item, path)
        if tool is None:
            continue
        if tool.name in tools:
            raise InvalidRequest(f"{path}.name is the name of an earlier tool", param=f"{path}.name")
        tools[tool.name] = tool
    if tools:
        require_capability(traits, "tools", "tools")
    return tuple(tools.values())


def read_left_out(fields: Fields) -> tuple[str, ...]:
    """List the types of the tools that `read_tools` leaves out."""
    entries = (read_object(item, "tools") for item in optional_list(fields, "tools", "tools"))
    kinds = (optional_string(entry, "type", "tools.type", default=_CUSTOM) for entry in entries)
    return tuple(kind for kind in kinds if kind != _CUSTOM)


def read_tool_choice(fields: Fields, tools: Sequence[Tool]) -> ToolChoice:
    """Read whether and which of these tools must be called.

    A type that is not known counts as auto, and so does the duty to call a tool that was left out.

    Raises: InvalidRequest for a duty to call a tool where none, or not that one, is offered.
    """
    choice = optional_object(fields, "tool_choice", "tool_choice")
    if choice is None:
        return ToolChoice()
    kind = required_string(choice, "type", "tool_choice.type")
    parallel = (
        optional_boolean(choice, "disable_parallel_tool_use", "tool_choice.disable_parallel_tool_use") is not True
    )
    match kind:
        case "none":
            return ToolChoice("none", parallel=parallel)
        case "any" if tools:
            return ToolChoice("required", parallel=parallel)
        case "any" if not _list_names(fields):
            raise InvalidRequest("tool_choice.type is any, but tools offers none", param="tool_choice.type")
        case "tool":
            name = required_string(choice, "name", "tool_choice.name")
            if name not in _list_names(fields):
                raise InvalidRequest("tool_choice.name names a tool that is not in tools", param="tool_choice.name")
            if any(tool.name == name for tool in tools):
                return ToolChoice("named", name, parallel)
        case _:
            pass
    return ToolChoice(parallel=parallel)


def _list_names(fields: Fields) -> tuple[str, ...]:
    """List the names in `tools`, also of those that are left out."""
    entries = [read_object(item, "tools") for item in optional_list(fields, "tools", "tools")]
    return tuple(optional_string(entry, "name", f"tools.{at}.name") for at, entry in enumerate(entries))


def _read_tool(raw: msgspec.Raw, path: str) -> Tool | None:
    """Read one entry; None when it is a tool of the protocol's maker."""
    fields = read_object(raw, path)
    kind = optional_string(fields, "type", f"{path}.type", default=_CUSTOM)
    if kind == "function":
        raise InvalidRequest(
            f"{path}.type is function, the form of another protocol; here a tool has name, description, input_schema",
            param=f"{path}.type",
        )
    if kind != _CUSTOM:
        return None
    required_object(fields, "input_schema", f"{path}.input_schema")
    return Tool(
        name=_read_name(fields, f"{path}.name"),
        description=optional_string(fields, "description", f"{path}.description"),
        parameters=bytes(fields["input_schema"]),
        strict=bytes(fields.get("strict", b"")) == _TRUE,
    )


def _read_name(fields: Fields, path: str) -> str:
    name = required_string(fields, "name", path)
    if len(name) > _MAX_NAME_CHARACTERS or not name.isprintable():
        raise InvalidRequest(
            f"{path} is {name[:_SHOWN_CHARACTERS]!r}; it must be 1 to {_MAX_NAME_CHARACTERS} printable characters",
            param=path,
        )
    return name

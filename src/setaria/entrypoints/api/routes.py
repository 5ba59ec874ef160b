"""Routes: every path of the data plane, and whose it is."""

from typing import Literal
from urllib.parse import unquote

import msgspec

from setaria.core.protocol import ProtocolName

Action = Literal["call", "count_tokens", "list_models", "show_model", "health", "ready", "metrics", "hello"]

READ = ("GET", "HEAD")
HEAD_ONLY = ("HEAD",)
WRITE = ("POST",)


class Route(msgspec.Struct, frozen=True):
    """One path; `{id}` at its end stands for one model id."""

    path: str
    methods: tuple[str, ...]
    action: Action
    protocol: ProtocolName


class Match(msgspec.Struct, frozen=True):
    """The route a path leads to, and the id in it."""

    route: Route
    id: str = ""


ROUTES = (
    Route("/v1/chat/completions", WRITE, "call", "openai_chat"),
    Route("/v1/models", READ, "list_models", "openai_chat"),
    Route("/v1/models/{id}", READ, "show_model", "openai_chat"),
    Route("/v1", HEAD_ONLY, "hello", "openai_chat"),
    Route("/anthropic/v1/messages", WRITE, "call", "anthropic_messages"),
    Route("/anthropic/v1/messages/count_tokens", WRITE, "count_tokens", "anthropic_messages"),
    Route("/anthropic/v1/models", READ, "list_models", "anthropic_messages"),
    Route("/anthropic/v1/models/{id}", READ, "show_model", "anthropic_messages"),
    Route("/anthropic", HEAD_ONLY, "hello", "anthropic_messages"),
    Route("/plan", HEAD_ONLY, "hello", "openai_chat"),
    Route("/plan/v1", HEAD_ONLY, "hello", "openai_chat"),
    Route("/plan/anthropic", HEAD_ONLY, "hello", "anthropic_messages"),
    Route("/", HEAD_ONLY, "hello", "openai_chat"),
    Route("/healthz", READ, "health", "openai_chat"),
    Route("/readyz", READ, "ready", "openai_chat"),
    Route("/metrics", READ, "metrics", "openai_chat"),
)

_EXACT = {route.path: Match(route) for route in ROUTES if not route.path.endswith("{id}")}
_BY_PREFIX = tuple((route.path.removesuffix("{id}"), route) for route in ROUTES if route.path.endswith("{id}"))
_CONSOLE_PATHS = frozenset({"/", "/console"})
_CONSOLE_PREFIX = "/console/"
_ANTHROPIC_PATHS = frozenset({"/anthropic", "/plan/anthropic"})
_ANTHROPIC_PREFIXES = ("/anthropic/", "/plan/anthropic/")


def find_route(path: str) -> Match | None:
    """Find the route of a path (without its query); None when there is none. A slash at the end makes no difference."""
    match = _EXACT.get(path)
    if match is not None:
        return match
    trimmed = path.rstrip("/") or "/"
    match = _EXACT.get(trimmed)
    if match is not None:
        return match
    for prefix, route in _BY_PREFIX:
        name = trimmed.removeprefix(prefix)
        if name != trimmed and name and "/" not in name:
            return Match(route, unquote(name))
    return None


def is_console(path: str) -> bool:
    """Tell whether the console process answers this path."""
    return path in _CONSOLE_PATHS or path.startswith(_CONSOLE_PREFIX)


def protocol_of(path: str) -> ProtocolName:
    """Tell in which protocol's form an error on this path is told, whether the path exists or not."""
    is_anthropic = path in _ANTHROPIC_PATHS or path.startswith(_ANTHROPIC_PREFIXES)
    return "anthropic_messages" if is_anthropic else "openai_chat"

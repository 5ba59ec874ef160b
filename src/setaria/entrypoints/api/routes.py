"""Routes: every path of the data plane, and whose it is."""

from typing import Literal
from urllib.parse import unquote

import msgspec

from setaria.core.protocol import Lane, ProtocolName

OtherAction = Literal[
    "count_tokens",
    "list_models",
    "show_model",
    "show_call",
    "show_balance",
    "show_usage",
    "show_quota",
    "health",
    "ready",
    "metrics",
    "hello",
]
Action = Literal["call"] | OtherAction

READ = ("GET", "HEAD")
HEAD_ONLY = ("HEAD",)
WRITE = ("POST",)


class Route(msgspec.Struct, frozen=True):
    """One path; `{id}` at its end stands for one id. `lane` is None where both lanes have it in common."""

    path: str
    methods: tuple[str, ...]
    action: Action
    protocol: ProtocolName
    lane: Lane | None = None


class Match(msgspec.Struct, frozen=True):
    """The route a path leads to, and the id in it."""

    route: Route
    id: str = ""


PLAN_PREFIX = "/plan"

_OF_A_LANE = (
    Route("/v1/chat/completions", WRITE, "call", "openai_chat", "payg"),
    Route("/v1/models", READ, "list_models", "openai_chat", "payg"),
    Route("/v1/models/{id}", READ, "show_model", "openai_chat", "payg"),
    Route("/v1/calls/{id}", READ, "show_call", "openai_chat", "payg"),
    Route("/v1/balance", READ, "show_balance", "openai_chat", "payg"),
    Route("/v1/usage", READ, "show_usage", "openai_chat", "payg"),
    Route("/v1", HEAD_ONLY, "hello", "openai_chat", "payg"),
    Route("/anthropic/v1/messages", WRITE, "call", "anthropic_messages", "payg"),
    Route("/anthropic/v1/messages/count_tokens", WRITE, "count_tokens", "anthropic_messages", "payg"),
    Route("/anthropic/v1/models", READ, "list_models", "anthropic_messages", "payg"),
    Route("/anthropic/v1/models/{id}", READ, "show_model", "anthropic_messages", "payg"),
    Route("/anthropic/v1/calls/{id}", READ, "show_call", "anthropic_messages", "payg"),
    Route("/anthropic/v1/balance", READ, "show_balance", "anthropic_messages", "payg"),
    Route("/anthropic/v1/usage", READ, "show_usage", "anthropic_messages", "payg"),
    Route("/anthropic", HEAD_ONLY, "hello", "anthropic_messages", "payg"),
)
ROUTES = (
    *_OF_A_LANE,
    *(msgspec.structs.replace(route, path=PLAN_PREFIX + route.path, lane="plan") for route in _OF_A_LANE),
    Route("/plan/v1/quota", READ, "show_quota", "openai_chat", "plan"),
    Route("/plan/anthropic/v1/quota", READ, "show_quota", "anthropic_messages", "plan"),
    Route(PLAN_PREFIX, HEAD_ONLY, "hello", "openai_chat", "plan"),
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

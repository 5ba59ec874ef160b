"""Entries: upstreams and models as an operator describes them, in the configuration file or by command.

Every field says what is allowed in it; `core.entry_reading` holds what people write against that.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from setaria.core.traits import Capability

UpstreamKind = Literal["openai", "anthropic", "local"]
ThinkingStyle = Literal[
    "thinking_type", "chat_template_kwargs", "enable_thinking", "reasoning_effort", "anthropic", "none"
]
OnClientGone = Literal["abort", "drain"]

LOCAL = "local"
DRAIN_TOKENS = 1024

_NAME_ALLOWED = {"allowed": "1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first"}
_ID_ALLOWED = {"allowed": "1 to 128 letters, digits and signs such as - . _ / : [ ], a letter or digit first"}
_URL_ALLOWED = {"allowed": "an address such as http://127.0.0.1:8000/v1, without a password, query or fragment"}
_VARIABLE_ALLOWED = {"allowed": "the name of an environment variable, in capitals, that does not begin with SETARIA_"}
_THERE_ALLOWED = {"allowed": "the model's name at the upstream; of a local one its folder"}
_SECONDS_ALLOWED = {"allowed": "a number of seconds above 0, up to 86400"}
_HEADERS_ALLOWED = {"allowed": "a table of texts, such as { x-team = 'blue' }"}

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", extra=_NAME_ALLOWED)]
ModelId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:@+\[\]-]{0,127}$", extra=_ID_ALLOWED)]
Tokens = Annotated[int, Meta(ge=1, le=100_000_000)]
Seconds = Annotated[float, Meta(gt=0, le=86_400, extra=_SECONDS_ALLOWED)]

NOT_YET_VALUES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"reasoning_replay": ("restore", "require"), "rescue": ("rescue", "strict")}
)


class UpstreamEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A model server and how it is reached; empty texts stand for what there is none of.

    The key is never here, only the environment variable or the file that holds it. `concurrency` 0 is no cap.
    """

    name: Name
    kind: UpstreamKind
    base_url: Annotated[str, Meta(pattern=r"^$|^https?://[^\s/?#@]+(/[^\s?#]*)?$", extra=_URL_ALLOWED)] = ""
    api_key_env: Annotated[str, Meta(pattern=r"^$|^(?!SETARIA_)[A-Z_][A-Z0-9_]*$", extra=_VARIABLE_ALLOWED)] = ""
    api_key_file: Annotated[str, Meta(extra={"allowed": "the path of a file"})] = ""
    headers: Annotated[dict[str, str], Meta(extra=_HEADERS_ALLOWED)] = {}
    pass_fields: tuple[Annotated[str, Meta(min_length=1)], ...] = ()
    concurrency: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    ca_file: Annotated[str, Meta(extra={"allowed": "the path of a file"})] = ""


class DeploymentEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One place where a model is served; without a thinking style the upstream's kind decides."""

    upstream: Name
    model: Annotated[str, Meta(min_length=1, max_length=1000, extra=_THERE_ALLOWED)]
    weight: Annotated[int, Meta(ge=0, le=1000)] = 1
    thinking_style: ThinkingStyle | None = None


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """How long a call waits: for a connection, the first token, the next token, and in all."""

    connect_s: Seconds = 5.0
    first_token_s: Seconds = 120.0
    between_tokens_s: Seconds = 60.0
    total_s: Seconds = 3600.0


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A model that callers may name; `thinking` counts where the caller does not say."""

    id: ModelId
    display_name: Annotated[str, Meta(max_length=100, extra={"allowed": "a text of up to 100 characters"})] = ""
    description: Annotated[str, Meta(max_length=1000, extra={"allowed": "a text of up to 1000 characters"})] = ""
    aliases: tuple[ModelId, ...] = ()
    context_tokens: Tokens = 131_072
    output_tokens: Tokens = 32_768
    capabilities: tuple[Capability, ...] = ("tools",)
    thinking: Literal["enabled", "disabled"] = "enabled"
    reasoning_replay: Literal["pass"] = "pass"
    rescue: Literal["off"] = "off"
    on_client_gone: OnClientGone = "abort"
    drain_tokens: Tokens = DRAIN_TOKENS
    timeouts: Timeouts = Timeouts()
    deployments: tuple[DeploymentEntry, ...]


class Entries(msgspec.Struct, frozen=True):
    """All entries of one place: of the file, or of the database."""

    upstreams: tuple[UpstreamEntry, ...] = ()
    models: tuple[ModelEntry, ...] = ()


def doubt_base_url(upstream: UpstreamEntry) -> str:
    """Say what looks wrong with an upstream's address, which may be right all the same; empty when nothing does."""
    ends_in_version = re.search(r"/v\d+\w*(/|$)", upstream.base_url) is not None
    if upstream.kind == "openai" and not ends_in_version:
        return f"the base_url of {upstream.name} names no version; most servers of this kind want it to end in /v1"
    if upstream.kind == "anthropic" and upstream.base_url.endswith("/v1"):
        return f"the base_url of {upstream.name} ends in /v1, which is added by itself; leave it out"
    return ""

"""Traits: what a model can do and how it wants to be asked, as far as the protocols need to know."""

from typing import Literal

import msgspec

Capability = Literal["tools", "thinking", "json", "search", "image", "audio", "video"]


class Recommended(msgspec.Struct, frozen=True):
    """Sampling that the model's makers recommend."""

    temperature: float = 1.0
    top_p: float = 0.95


class Traits(msgspec.Struct, frozen=True):
    """One model's limits, defaults and capabilities.

    `forces_sampling`: while thinking is on, the recommended sampling is used whatever the caller asks.
    """

    context_tokens: int
    max_output_tokens: int
    default_output_tokens: int
    capabilities: frozenset[Capability]
    thinking_default: bool = True
    forces_sampling: bool = True
    recommended: Recommended = Recommended()

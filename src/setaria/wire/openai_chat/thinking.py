"""Thinking: reads whether the model is to think before it answers."""

from setaria.core.traits import Traits
from setaria.wire.fields import Fields, optional_object, optional_string, required_choice

_FORMS = ("enabled", "disabled", "adaptive")


def read_thinking(fields: Fields, traits: Traits) -> bool:
    """Tell whether thinking is on: as `thinking` says, else off where `reasoning_effort` is "none", else by default.

    `adaptive` leaves it to the model when to think, so it is on. A model that can't think never does.

    Raises: InvalidRequest.
    """
    asked = optional_object(fields, "thinking", "thinking")
    effort = optional_string(fields, "reasoning_effort", "reasoning_effort")
    form = "" if asked is None else required_choice(asked, "type", "thinking.type", _FORMS)
    if "thinking" not in traits.capabilities:
        return False
    if form:
        return form != "disabled"
    return traits.thinking_default and effort != "none"

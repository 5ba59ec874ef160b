"""Sampling: reads how the next token is to be drawn."""

from setaria.core.dialogue import Sampling
from setaria.core.errors import InvalidRequest
from setaria.core.traits import Traits
from setaria.wire.fields import (
    Fields,
    is_string,
    optional_integer_within,
    optional_number,
    optional_object,
    present,
    read_list,
    read_string,
)

_SELDOM = ("frequency_penalty", "presence_penalty", "stop", "logit_bias")
_MAX_STOPS = 4
_MAX_BIASES = 1024
_BIAS_LIMIT = 100
_TOKEN_LIMIT = 1 << 31
_SEED_LIMIT = 1 << 63


def read_sampling(fields: Fields, traits: Traits, *, thinking: bool) -> Sampling:
    """Read the sampling with the model's recommended values as defaults.

    While thinking is on and the model forces its own sampling, `temperature` and `top_p` are not even looked at.

    Raises: InvalidRequest.
    """
    temperature = top_p = None
    if not (thinking and traits.forces_sampling):
        temperature = optional_number(fields, "temperature", "temperature", 0, 1.5)
        top_p = optional_number(fields, "top_p", "top_p", 0.01, 1)
    temperature = traits.recommended.temperature if temperature is None else temperature
    top_p = traits.recommended.top_p if top_p is None else top_p
    seed = optional_integer_within(fields, "seed", "seed", -_SEED_LIMIT, _SEED_LIMIT - 1)
    if fields.keys().isdisjoint(_SELDOM):
        return Sampling(temperature, top_p, 0.0, 0.0, seed)
    return Sampling(
        temperature=temperature,
        top_p=top_p,
        frequency_penalty=optional_number(fields, "frequency_penalty", "frequency_penalty", -2, 2) or 0.0,
        presence_penalty=optional_number(fields, "presence_penalty", "presence_penalty", -2, 2) or 0.0,
        seed=seed,
        stop=_read_stop(fields),
        logit_bias=_read_logit_bias(fields),
    )


def _read_stop(fields: Fields) -> tuple[str, ...]:
    """Read the stop strings; an empty one stops nothing and is left out."""
    raw = present(fields, "stop")
    if raw is None:
        return ()
    if is_string(raw):
        stops = [read_string(raw, "stop")]
    else:
        items = read_list(raw, "stop", f"a string or an array of up to {_MAX_STOPS} strings")
        if len(items) > _MAX_STOPS:
            raise InvalidRequest(f"stop has {len(items)} strings; at most {_MAX_STOPS} are allowed", param="stop")
        stops = [read_string(item, f"stop[{index}]") for index, item in enumerate(items)]
    return tuple(stop for stop in stops if stop)


def _read_logit_bias(fields: Fields) -> tuple[tuple[int, float], ...]:
    """Read what is added to the scores of single tokens, a mapping of token ids to numbers."""
    biases = optional_object(fields, "logit_bias", "logit_bias") or {}
    if len(biases) > _MAX_BIASES:
        raise InvalidRequest(
            f"logit_bias names {len(biases)} tokens; at most {_MAX_BIASES} are allowed", param="logit_bias"
        )
    return tuple(_read_bias(biases, name) for name in biases)


def _read_bias(biases: Fields, name: str) -> tuple[int, float]:
    if not (name.isascii() and name.isdigit() and len(name) <= len(str(_TOKEN_LIMIT)) and int(name) < _TOKEN_LIMIT):
        raise InvalidRequest("logit_bias must name tokens by their ids, such as 50256", param="logit_bias")
    bias = optional_number(biases, name, f"logit_bias.{name}", -_BIAS_LIMIT, _BIAS_LIMIT)
    return int(name), bias or 0.0

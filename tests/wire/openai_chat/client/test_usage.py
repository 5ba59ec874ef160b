"""Usage: what servers tell, in disjoint classes, and mended where it can't be true."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setaria.core.events import UsageReport
from setaria.core.usage import Usage
from setaria.wire.openai_chat.client.usage import ToldUsage, corrected, read_usage, report_usage, rewrite_usage

SANE = {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107}


def detail(cached: object = None, reasoning: object = None, **fields: object) -> dict[str, object]:
    """Make a usage with details; other fields stand beside or instead of the sane ones."""
    details = {
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }
    return SANE | details | fields


@pytest.mark.parametrize(
    "told, usage, is_odd",
    [
        (SANE, Usage(100, 0, 0, 7, 0), False),
        (detail(40, 3), Usage(60, 40, 0, 7, 3), False),
        (SANE | {"prompt_tokens_details": None, "completion_tokens_details": {}}, Usage(100, 0, 0, 7, 0), False),
        (SANE | {"prompt_cache_hit_tokens": 30, "prompt_cache_miss_tokens": 70}, Usage(70, 30, 0, 7, 0), False),
        (SANE | {"cached_tokens": 30}, Usage(70, 30, 0, 7, 0), False),
        (SANE | {"reasoning_tokens": 5}, Usage(100, 0, 0, 7, 5), False),
        (SANE | {"prompt_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 5}}, Usage(55, 40, 5, 7), False),
        (SANE | {"prompt_tokens_details": {"cache_creation_tokens": 50}}, Usage(50, 0, 50, 7), False),
        (SANE | {"cache_creation_input_tokens": 500}, Usage(0, 0, 100, 7), False),
        (detail(120, 9), Usage(0, 100, 0, 7, 7), True),
        (detail(-1, -1), Usage(100, 0, 0, 7, 0), True),
        (detail(40.0), Usage(60, 40, 0, 7, 0), True),
        (detail(None, 9, total_tokens=116), Usage(100, 0, 0, 16, 9), True),
        (SANE | {"total_tokens": 1}, Usage(100, 0, 0, 7), True),
        (SANE | {"total_tokens": None}, Usage(100, 0, 0, 7), True),
        (SANE | {"prompt_tokens": 100.9}, Usage(100, 0, 0, 7), True),
        (SANE | {"prompt_tokens": -5}, Usage(100, 0, 0, 7), True),
        (SANE | {"completion_tokens": None}, Usage(100, 0, 0, 7), True),
        (SANE | {"prompt_tokens": -5, "total_tokens": 3}, None, True),
        (SANE | {"prompt_tokens": "100", "total_tokens": None}, None, True),
        (SANE | {"prompt_tokens": True, "total_tokens": True}, None, True),
        (SANE | {"prompt_tokens": 10**30, "total_tokens": 10**30}, None, True),
        (SANE | {"prompt_tokens": 0, "total_tokens": 7}, None, True),
        (SANE | {"prompt_tokens": 0}, Usage(100, 0, 0, 7), True),
        (SANE | {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, None, True),
        (SANE | {"prompt_tokens": 0, "completion_tokens": None}, None, True),
        (SANE | {"completion_tokens": 0, "total_tokens": 100}, Usage(100), False),
        ({}, None, True),
        ([], None, True),
    ],
)  # fmt: skip
def test_usage_is_read_and_mended(told: object, usage: Usage | None, is_odd: bool) -> None:
    """Each class is disjoint; what can't be true is mended, or unknown."""
    assert read_usage(msgspec.Raw(msgspec.json.encode(told))) == ToldUsage(usage, is_odd)


@pytest.mark.parametrize(
    "usage, said_tokens, told",
    [
        (Usage(100, 0, 0, 7), 9, UsageReport(Usage(100, 0, 0, 7), "upstream")),
        (Usage(100), 0, UsageReport(Usage(100), "upstream")),
        (Usage(60, 40), 9, UsageReport(Usage(60, 40, 0, 9), "estimate")),
    ],
)
def test_output_that_was_not_counted_is_estimated(usage: Usage, said_tokens: int, told: UsageReport) -> None:
    """A server that counts none of what it said is not believed in that."""
    assert report_usage(usage, said_tokens) == told


@pytest.mark.parametrize("raw", [b"", b"null"])
def test_no_usage_is_none(raw: bytes) -> None:
    """Absent and null tell nothing."""
    assert read_usage(msgspec.Raw(raw)) is None


_COUNTS = st.sampled_from([0, 1, 2, 3, 3, 5, 8, None, -1, 2.0])
_DETAIL_NAMES = ["cached_tokens", "reasoning_tokens", "cache_write_tokens", "cache_creation_tokens"]
_OTHERS = ["prompt_cache_hit_tokens", "cached_tokens", "reasoning_tokens", "cache_creation_input_tokens", "x"]


@given(
    counts=st.fixed_dictionaries({"prompt_tokens": _COUNTS, "completion_tokens": _COUNTS, "total_tokens": _COUNTS}),
    prompt=st.dictionaries(st.sampled_from(_DETAIL_NAMES), _COUNTS, max_size=2) | st.none(),
    completion=st.dictionaries(st.sampled_from(_DETAIL_NAMES), _COUNTS, max_size=2) | st.none(),
    others=st.dictionaries(st.sampled_from(_OTHERS), _COUNTS, max_size=1),
)
def test_the_form_makes_no_difference(
    counts: dict[str, object], prompt: object, completion: object, others: dict[str, object]
) -> None:
    """A usage of the form that most servers tell is read at once, and gives what reading it field by field gives."""
    told = counts | {"prompt_tokens_details": prompt, "completion_tokens_details": completion} | others
    read = read_usage(msgspec.Raw(msgspec.json.encode(told)))
    assert read is not None
    assert read.usage == corrected(told)


_VALUES = st.one_of(st.integers(-5, 50), st.none(), st.floats(-5, 50), st.booleans())
_DETAILS = st.one_of(st.none(), st.dictionaries(st.sampled_from(["cached_tokens", "reasoning_tokens"]), _VALUES))


@given(
    counts=st.fixed_dictionaries({"prompt_tokens": _VALUES, "completion_tokens": _VALUES, "total_tokens": _VALUES}),
    prompt=_DETAILS,
    completion=_DETAILS,
)
def test_mended_usage_is_never_odd(counts: dict[str, object], prompt: object, completion: object) -> None:
    """No class is negative, reasoning is a part of the output, and what is written instead is read as it is."""
    usage = corrected(counts | {"prompt_tokens_details": prompt, "completion_tokens_details": completion})
    if usage is None:
        return
    assert min(usage.input_tokens, usage.cached_input_tokens, usage.reasoning_tokens) >= 0
    assert usage.reasoning_tokens <= usage.output_tokens
    assert read_usage(rewrite_usage(usage)) == ToldUsage(usage, is_odd=False)

"""Telling: the head and the usage that the tests of answers share."""

from setaria.core.ids import CallId
from setaria.core.usage import Usage
from setaria.wire.codec import AnswerHead

CALL_ID = CallId("0199aabbccdd7eef8011223344556677")
HEAD = AnswerHead(
    call_id=CALL_ID,
    model="seedling",
    created_at_ms=1781233054999,
    input_tokens_estimate=60,
    sign=lambda digest: digest.hex(),
)
USAGE = Usage(input_tokens=50, cached_input_tokens=192, cache_write_tokens=10, output_tokens=171, reasoning_tokens=110)
USAGE_SHAPE = {
    "prompt_tokens": 252,
    "completion_tokens": 171,
    "total_tokens": 423,
    "completion_tokens_details": {"reasoning_tokens": 110},
    "prompt_tokens_details": {"cached_tokens": 192},
}

"""Guide: holds an answer to its grammar, token by token.

Theory. A `Guide` is made with its answer's grammar and knows which tokens may come next; whatever was drawn is taken by
it before the next one. Grammars are compiled once for each text they have and then copied, which costs some 20 us;
the compiled ones that were used last are kept.
"""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

from setaria.adapters.upstreams.local.engine.grammar import write_grammar
from setaria.adapters.upstreams.local.engine.model import LocalModel
from setaria.adapters.upstreams.local.engine.network import Logits
from setaria.adapters.upstreams.local.engine.schema import LENIENT, STRICT, write_schema
from setaria.adapters.upstreams.local.engine.speech import read_speech
from setaria.adapters.upstreams.local.engine.template import Json, json_object, offered_tools
from setaria.adapters.upstreams.local.engine.vocabulary import Vocabulary
from setaria.core.dialogue import Dialogue
from setaria.core.errors import InvalidRequest, UpstreamFailed

_KEPT_GRAMMARS = 8  # each takes 1 to 4 MB, and compiles within some milliseconds
_REASON_CHARS = 200
_BITS = 32


class Guide:
    """Holds one answer to its grammar, in a vocabulary of so many tokens."""

    def __init__(self, matcher: LLMatcher, vocabulary_size: int) -> None:
        self.vocabulary_size = vocabulary_size
        self._matcher = matcher

    @property
    def is_over(self) -> bool:
        """Whether nothing but the end may follow."""
        return self._matcher.is_stopped()

    def fill(self, address: int, size_bytes: int) -> None:
        """Write which tokens may come next, a bit for each, to a place in memory.

        Cost: 2 to 30 us for a vocabulary of 2,048, without the interpreter's lock.
        """
        self._matcher.unsafe_compute_mask_ptr(address, size_bytes)

    def take(self, token_id: int) -> None:
        """Take the token that was drawn, no end token.

        Raises: UpstreamFailed when it may not stand here, or the grammar became too large to be followed.
        """
        if not self._matcher.consume_token(token_id):
            raise UpstreamFailed("the answer could not be held to the form that was asked for; ask for a simpler one")


class Guides:
    """Makes the guides of one model; used by one thread."""

    def __init__(self, model: LocalModel) -> None:
        self._speech = read_speech(model.template, model.vocabulary)
        self._tokenizer = LLTokenizer(
            TokenizerWrapper(_Tokens(model.vocabulary, min(model.end_ids))), eos_token=sorted(model.end_ids)
        )
        self._compiled: OrderedDict[str, LLMatcher] = OrderedDict()

    def open(self, dialogue: Dialogue, *, inside_thinking: bool) -> Guide:
        """Make the guide of a dialogue's answer.

        Raises: InvalidRequest, which names the tool or the response_format whose schema cannot be followed.
        """
        grammar = write_grammar(dialogue, self._speech, inside_thinking=inside_thinking)
        matcher = self._compiled.get(grammar)
        if matcher is None:
            matcher = LLMatcher(self._tokenizer, grammar, log_level=0)
            if matcher.is_error():
                raise self._find_fault(dialogue)
            self._compiled[grammar] = matcher
        self._compiled.move_to_end(grammar)
        if len(self._compiled) > _KEPT_GRAMMARS:
            self._compiled.popitem(last=False)
        return Guide(matcher.deep_copy(), self._tokenizer.vocab_size)

    def _find_fault(self, dialogue: Dialogue) -> InvalidRequest:
        """Tell which schema it is that cannot be followed."""
        if dialogue.response_format.kind == "json_schema":
            reason = self._reason(dialogue.response_format.schema, STRICT)
            if reason:
                return InvalidRequest(f"response_format: its schema {reason}", param="response_format")
        for tool in offered_tools(dialogue):
            reason = self._reason(tool.parameters, LENIENT)
            if reason:
                return InvalidRequest(f"tools: the parameters of {tool.name[:128]} {reason}", param="tools")
        return InvalidRequest("tools: their schemas are too large together; offer fewer tools", param="tools")

    def _reason(self, schema: bytes, options: dict[str, Json]) -> str:
        """Tell why a schema cannot be followed, empty when it can be."""
        written = write_schema(json_object(schema) or {}, options)
        matcher = LLMatcher(self._tokenizer, LLMatcher.grammar_from_json_schema(written), log_level=0)
        first_line = matcher.get_error().partition("\n")[0]
        return f"cannot be followed: {first_line[:_REASON_CHARS]}" if first_line else ""


class _Tokens:
    """A vocabulary as llguidance wants it: the bytes of each token, and which tokens never stand in text."""

    def __init__(self, vocabulary: Vocabulary, end_id: int) -> None:
        self.eos_token_id = end_id
        self.bos_token_id = None
        self.tokens = [vocabulary.bytes_of(token_id) for token_id in range(vocabulary.size)]
        self.special_token_ids = sorted(vocabulary.special)
        self._vocabulary = vocabulary

    def __call__(self, text: str | bytes) -> list[int]:
        return self._vocabulary.encode(text if isinstance(text, str) else text.decode("utf-8", "replace"))


def hide_masked(logits: Logits, guides: Sequence[Guide]) -> None:
    """Make impossible in each row of logits what its guide does not allow.

    Takes: logits, which are changed, and a guide for each of their rows, all of one model.
    """
    size = guides[0].vocabulary_size
    masks = np.zeros((len(guides), -(-size // _BITS)), dtype=np.int32)
    address, row_bytes = masks.ctypes.data, masks.strides[0]
    for row, guide in enumerate(guides):
        guide.fill(address + row * row_bytes, row_bytes)
    allowed = np.unpackbits(masks.view(np.uint8), axis=1, count=size, bitorder="little")
    logits[:, size:] = -np.inf  # what the network has beyond the vocabulary fills it up to a round number
    np.putmask(logits[:, :size], allowed[:, : logits.shape[1]] == 0, -np.inf)

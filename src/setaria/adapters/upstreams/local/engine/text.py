"""Text: an answer's tokens as text, as far as it is certain.

Held back are the bytes of a character that is not whole yet, and what may be the start of a stop string. Stop strings
are looked for in the answer's own text only; where the output stands follows from the markers that the model writes:

    marker          then the output stands in
    <think>         thinking
    </think>        the answer
    <tool_call>     a call
    </tool_call>    the answer
"""

import codecs
from typing import Literal

from setaria.adapters.upstreams.local.engine.vocabulary import Vocabulary

Place = Literal["answer", "thinking", "call"]

_PLACES: dict[str, Place] = {
    "<think>": "thinking",
    "</think>": "answer",
    "<tool_call>": "call",
    "</tool_call>": "answer",
}


class TextReader:
    """Reads one answer's tokens. `stop_sequence` is the caller's stop string that ended it, empty while none has."""

    def __init__(self, vocabulary: Vocabulary, stop: tuple[str, ...], place: Place) -> None:
        self.stop_sequence = ""
        self._vocabulary = vocabulary
        self._stop = tuple(filter(None, stop))
        self._place = place
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def feed(self, token_id: int) -> str:
        """Take the next token and give the text that is now certain; nothing from the stop string on."""
        data = self._vocabulary.bytes_of(token_id)
        place = _PLACES.get(self._vocabulary.added.get(token_id, ""))
        if place is None:
            return self._scan(self._decoder.decode(data))
        text = self._scan(self._decoder.decode(b"", final=True))
        if self.stop_sequence:
            return text
        self._decoder.reset()
        self._place = place
        return text + self.close() + data.decode()

    def close(self) -> str:
        """Give what was held back; the bytes of a character that never became whole are dropped."""
        held, self._held = self._held, ""
        return held

    def _scan(self, text: str) -> str:
        """Look for stop strings and give what cannot belong to one any more."""
        if self._place != "answer" or not self._stop:
            return text
        text = self._held + text
        found = [(text.find(stop), stop) for stop in self._stop if stop in text]
        if found:
            # Of several the one that is whole first, then the longest: so the split into tokens makes no difference.
            start, self.stop_sequence = min(found, key=lambda one: (one[0] + len(one[1]), one[0]))
            self._held = ""
            return text[:start]
        certain = len(text) - max(_overlap(text, stop) for stop in self._stop)
        self._held = text[certain:]
        return text[:certain]


def _overlap(text: str, stop: str) -> int:
    """Tell how many characters at the end of a text could be the start of this stop string."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)

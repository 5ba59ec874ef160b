"""Prompt: what the model reads of a dialogue."""

from dataclasses import dataclass

import numpy as np

from setaria.adapters.upstreams.local.engine.condense import condensed_versions
from setaria.adapters.upstreams.local.engine.model import LocalModel
from setaria.adapters.upstreams.local.engine.template import ChatTemplate
from setaria.adapters.upstreams.local.engine.vocabulary import TokenIds
from setaria.core.dialogue import Dialogue
from setaria.core.errors import ContextOverflow
from setaria.core.tokens import estimate_tokens

_CHARS_PER_TOKEN = 32  # a text of more characters than this for each token of the context is not counted


@dataclass(frozen=True, slots=True)
class Prompt:
    """The tokens to be read, how many may follow, and whether they end within an open think block."""

    ids: TokenIds
    max_output_tokens: int
    inside_thinking: bool


class PromptReader:
    """Turns dialogues into prompts for one model."""

    def __init__(self, model: LocalModel) -> None:
        self._vocabulary = model.vocabulary
        self._context_tokens = model.context_tokens
        self._comfortable_tokens = model.comfortable_tokens
        self._template = ChatTemplate(model.template, list(model.vocabulary.added.values()))

    def read(self, dialogue: Dialogue) -> Prompt:
        """Give the dialogue's prompt: the least condensed that the model reads with comfort, else the shortest.

        Worked: context 8,192, comfort at 1,024. A prompt of 900 is read as it is. One of 3,000 is condensed until it is
        1,024 or less; a question of 3,000 cannot be condensed and is read whole. A prompt of 8,000 leaves 192 tokens
        for the answer, whatever was asked for; one of 8,192 does not fit.

        Raises: ContextOverflow, with the count of the shortest version (an estimate where it is far too long);
            InvalidRequest.
        """
        shortest: Prompt | None = None
        length = 0
        for version in condensed_versions(dialogue):
            text = self._template.render(version)
            if len(text) > self._context_tokens * _CHARS_PER_TOKEN:
                length = estimate_tokens(text)
                continue
            prompt = self._encode(text, dialogue)
            length = len(prompt.ids)
            if length <= self._comfortable_tokens:
                return prompt
            if length < self._context_tokens:
                shortest = prompt
        if shortest is None:
            raise ContextOverflow(length, self._context_tokens)
        return shortest

    def _encode(self, text: str, dialogue: Dialogue) -> Prompt:
        ids = np.array(self._vocabulary.encode(text), dtype=np.int32)
        left_tokens = self._context_tokens - len(ids)
        inside_thinking = not dialogue.continues and text.rstrip().endswith("<think>")
        return Prompt(ids, min(dialogue.max_output_tokens, left_tokens), inside_thinking)

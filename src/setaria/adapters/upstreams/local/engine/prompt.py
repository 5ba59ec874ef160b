"""Prompt: what the model reads of a dialogue."""

from dataclasses import dataclass

from setaria.adapters.upstreams.local.engine.condense import condensed_versions
from setaria.adapters.upstreams.local.engine.model import LocalModel
from setaria.adapters.upstreams.local.engine.template import ChatTemplate
from setaria.core.dialogue import Dialogue
from setaria.core.errors import ContextOverflow
from setaria.core.tokens import estimate_tokens

_ROOM_TOKENS = 256  # rather condense than leave less than this for the answer
_CHARS_PER_TOKEN = 32  # a text of more characters than this for each token of the context is not counted


@dataclass(frozen=True, slots=True)
class Prompt:
    """The tokens to be read, how many may follow, and whether they end within an open think block."""

    ids: list[int]
    max_output_tokens: int
    inside_thinking: bool


class PromptReader:
    """Turns dialogues into prompts for one model."""

    def __init__(self, model: LocalModel) -> None:
        self._vocabulary = model.vocabulary
        self._context_tokens = model.context_tokens
        self._template = ChatTemplate(model.template, list(model.vocabulary.added.values()))

    def read(self, dialogue: Dialogue) -> Prompt:
        """Give the dialogue's prompt, condensed as far as it must be to leave room for the answer.

        Worked: context 8,192, prompt 8,000, 1,000 asked for: 192 are left, which is under 256, so it is condensed;
        where nothing can be condensed the answer has 192 tokens. A prompt of 8,192 does not fit.

        Raises: ContextOverflow, with the count of the most condensed version (an estimate where it is far too long);
            InvalidRequest.
        """
        room_tokens = min(dialogue.max_output_tokens, _ROOM_TOKENS)
        tight: Prompt | None = None
        length = 0
        for version in condensed_versions(dialogue):
            text = self._template.render(version)
            if len(text) > self._context_tokens * _CHARS_PER_TOKEN:
                length = estimate_tokens(text)
                continue
            prompt = self._encode(text, dialogue.max_output_tokens)
            length = len(prompt.ids)
            if length + room_tokens <= self._context_tokens:
                return prompt
            if length < self._context_tokens and tight is None:
                tight = prompt
        if tight is not None:
            return tight
        raise ContextOverflow(length, self._context_tokens)

    def _encode(self, text: str, max_output_tokens: int) -> Prompt:
        ids = self._vocabulary.encode(text)
        left_tokens = self._context_tokens - len(ids)
        return Prompt(ids, min(max_output_tokens, left_tokens), text.rstrip().endswith("<think>"))

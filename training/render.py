"""Render: a sample as the text that the engine makes of it, cut into what is read and what is to be learnt."""

import re

from setaria.adapters.upstreams.local.engine.template import ChatTemplate
from setaria.adapters.upstreams.local.engine.vocabulary import BREAK
from setaria.core.dialogue import Dialogue, Sampling
from training.generate.sample import Sample
from training.places import CHAT_TEMPLATE

SPECIAL_TEXTS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "<tools>",
    "</tools>",
    "<function=",
    "</function>",
    "<parameter=",
    "</parameter>",
)
"""The special tokens, in the order of their ids."""

_ASSISTANT = "<|im_start|>assistant\n"
_NO_THOUGHT = "<think></think>"
_ANSWER = re.compile(re.escape(_ASSISTANT) + f"(?:{re.escape(_NO_THOUGHT)})?(.*?{re.escape('<|im_end|>')})", re.DOTALL)
_SAMPLING = Sampling(temperature=0.0, top_p=1.0)


class Renderer:
    """Writes samples with the engine's own template code, so that training and serving agree."""

    def __init__(self) -> None:
        self._template = ChatTemplate(CHAT_TEMPLATE.read_text(encoding="utf-8"), SPECIAL_TEXTS)

    def render(self, sample: Sample) -> list[tuple[str, bool]]:
        """Give the parts of the text, each with whether it is to be learnt.

        An answer is learnt from behind `<think></think>`, which the prompt itself writes, to its `<|im_end|>`. Tools
        stand behind the last question, so answers to earlier ones did not see them: they are not learnt.
        """
        text = self._text(sample)
        learnt_from = max(sample.learnt_from, _answers_before_question(sample) if sample.tools else 0)
        parts: list[tuple[str, bool]] = []
        end = 0
        for number, found in enumerate(_ANSWER.finditer(text)):
            if number >= learnt_from:
                parts += [(text[end : found.start(1)], False), (found[1], True)]
                end = found.end(1)
        return [*parts, (text[end:], False)]

    def _text(self, sample: Sample) -> str:
        dialogue = Dialogue(sample.messages, sample.thinking, 0, _SAMPLING, sample.tools)
        text = self._template.render(dialogue)
        return text.removesuffix(_NO_THOUGHT).removesuffix(_ASSISTANT)


def _answers_before_question(sample: Sample) -> int:
    """Count the assistant's messages before the user's last one."""
    roles = [message.role for message in sample.messages]
    return roles[: len(roles) - roles[::-1].index("user")].count("assistant")


def split_at_breaks(text: str) -> list[str]:
    """Split a rendered text where two neighbours must not become one token, as the engine does."""
    return [part for part in text.split(BREAK) if part]

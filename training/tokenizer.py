"""Tokenizer: made once from the generator's text, so that every value has the same tokens wherever it stands.

A space is a token of its own, digits and marks stand alone, and pairs are merged inside runs of letters only. So a city
in a question and the same city in a call are the same tokens, and copying it is a matter of looking back.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from training.generate.draw import Draw
from training.generate.mix import make_sample
from training.generate.topics import fallback, platform_topics
from training.render import SPECIAL_TEXTS, Renderer, split_at_breaks

VOCABULARY_SIZE = 2048
_PATTERN = r"\p{L}+|\p{N}|[^\S\n]|\n|[^\s\p{L}\p{N}]"
_DIALOGUES = 16_000
_TOPIC_REPEATS = 4
_SEED = "tokenizer"


def load_tokenizer(folder: Path) -> Tokenizer:
    """Give the run's tokenizer, made first if the folder has none."""
    path = folder / "tokenizer.json"
    if not path.exists():
        _train().save(str(path))
    return Tokenizer.from_file(str(path))


def letter_pieces(tokenizer: Tokenizer) -> list[str]:
    """Give the tokens that consist of Latin letters: what made-up words are put together from."""
    return sorted(token for token in tokenizer.get_vocab() if re.fullmatch(r"[A-Za-z]{1,12}", token))


def _train() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(_PATTERN), "isolated")
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, to_bytes])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=list(SPECIAL_TEXTS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=3,
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(), trainer)
    return tokenizer


def _texts() -> Iterator[str]:
    renderer = Renderer()
    for number in range(_DIALOGUES):
        for text, _ in renderer.render(make_sample(Draw(f"{_SEED}/{number}"))):
            yield from split_at_breaks(text)
    for _ in range(_TOPIC_REPEATS):
        for topic in platform_topics():
            yield from (topic.question, topic.answer, *topic.wordings)
        yield from (fallback("en"), fallback("zh"))

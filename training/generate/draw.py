"""Draw: chance with a seed, and the words that it draws from."""

import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")

_VOCABULARY = Path(__file__).with_name("vocabulary.txt")
_ACCENTS = str.maketrans({"a": "áàäâåã", "e": "éèëê", "o": "óöôø", "u": "úüû", "n": "ñ", "c": "ç", "i": "íï"})
_LONGEST_WORD = 18


class Draw:
    """One stream of chance. `pieces` are the letter tokens of the vocabulary, so that rare ones are copied too."""

    def __init__(self, seed: str, pieces: Sequence[str] = ()) -> None:
        self.random = random.Random(seed)
        self.pieces = pieces

    def chance(self, share: float) -> bool:
        """Tell true in this share of the cases."""
        return self.random.random() < share

    def one(self, items: Sequence[Item]) -> Item:
        """Take one of the items."""
        return self.random.choice(items)

    def some(self, items: Sequence[Item], count: int) -> list[Item]:
        """Take so many different items, or all where there are fewer."""
        return self.random.sample(items, min(count, len(items)))

    def whole(self, lowest: int, highest: int) -> int:
        """Draw a whole number; both bounds may come."""
        return self.random.randint(lowest, highest)

    def word(self, kind: str) -> str:
        """Take one of the words of this kind from `vocabulary.txt`."""
        return self.one(word_list()[kind])

    def plain_word(self) -> str:
        """Take a noun, an adjective, a verb or the name of a program."""
        return self.word(self.random.choices(("noun", "adjective", "verb", "software"), (6, 2, 2, 1))[0])

    def invented_word(self) -> str:
        """Make up a word, half of them from tokens of the vocabulary and half from syllables."""
        if self.pieces and self.chance(0.6):
            return self._from_pieces()
        word = self.syllables(1, 4)
        return self._accented(word) if self.chance(0.04) else word

    def syllables(self, fewest: int, most: int) -> str:
        """Make up a word that can be spoken."""
        return "".join(self._syllable() for _ in range(self.whole(fewest, most)))

    def name(self) -> str:
        """Make up a word with a capital letter."""
        word = self.invented_word()
        return word[:1].upper() + word[1:]

    def _syllable(self) -> str:
        return self.word("onset") + self.word("vowel") + (self.word("coda") if self.chance(0.35) else "")

    def _from_pieces(self) -> str:
        word = self.one(self.pieces)
        turn = self.random.random()
        if turn < 0.4:
            word += self.one(self.pieces).lower()
        elif turn < 0.55:
            word = self.syllables(1, 2) + word.lower()
        elif turn < 0.65:
            word = self.one("ABCDEFGHIJKLMNOPQRSTUVWXYZ") + word.lower()
        return word[:_LONGEST_WORD]

    def _accented(self, word: str) -> str:
        places = [index for index, letter in enumerate(word) if ord(letter) in _ACCENTS]
        if not places:
            return word
        place = self.one(places)
        return word[:place] + self.one(_ACCENTS[ord(word[place])]) + word[place + 1 :]


@cache
def word_list() -> dict[str, tuple[str, ...]]:
    """Read `vocabulary.txt`: the words of each kind; a middle dot in the file stands for a space."""
    lists: dict[str, tuple[str, ...]] = {}
    for line in _VOCABULARY.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        kind, _, words = line.partition(": ")
        lists[kind] = tuple(word.replace("·", " ") for word in words.split())
    return lists

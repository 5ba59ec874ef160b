"""Price file: a file of prices and plans; every complaint about it names file and line."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from setaria.config.file import parse_toml, read_text
from setaria.config.lines import line_of
from setaria.config.settings import ConfigError
from setaria.core.entry_reading import EntryFault
from setaria.core.price_entries import PriceFile
from setaria.core.price_reading import read_price_file


class LocatedPrices:
    """The prices and plans of one file, read whole.

    Raises: ConfigError when it can't be read, is not TOML, or has something in it that can't be.
    """

    content: PriceFile

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = read_text(path)
        parsed = parse_toml(path, self._text)
        with self.located():
            self.content = read_price_file(parsed)

    @contextlib.contextmanager
    def located(self) -> Iterator[None]:
        """Turn a fault of an entry into an error that names file and line.

        Raises: ConfigError.
        """
        try:
            yield
        except EntryFault as fault:
            raise ConfigError(f"{self._path}:{line_of(self._text, fault.path)}: {fault.problem}") from None

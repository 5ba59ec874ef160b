"""Place: which installation a command is about, as the program's first flags and the environment say."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import typer

from setaria.config import Settings, load_settings

if TYPE_CHECKING:
    from setaria.bootstrap.commands import Desk
    from setaria.bootstrap.record_books import Books


class Place(msgspec.Struct, frozen=True):
    """The flags that come before a command."""

    data: Path | None
    config: Path | None


def place_of(context: typer.Context) -> Place:
    """Give the place that the program's own flags named."""
    place: Place = context.obj
    return place


def settings_of(context: typer.Context, flags: Mapping[str, str | int | None]) -> Settings:
    """Find out the settings for a command.

    Takes: flags, the command's own flags by setting; None where a flag was not given.
    Raises: ConfigError when a setting is wrong.
    """
    place = place_of(context)
    return load_settings(place.data, place.config, {name: each for name, each in flags.items() if each is not None})


@contextmanager
def books_to_change(context: typer.Context) -> Iterator["Books"]:
    """Open the books of the installation, which is made or brought up to date if need be, in one transaction."""
    from setaria.bootstrap.commands import open_books

    with open_books(settings_of(context, {})) as books:
        yield books


@contextmanager
def books_to_read(context: typer.Context) -> Iterator["Books"]:
    """Open the books as `books_to_change` does, but only to look at them."""
    from setaria.bootstrap.commands import open_books_to_read

    with open_books_to_read(settings_of(context, {})) as books:
        yield books


@contextmanager
def desk_of(context: typer.Context) -> Iterator["Desk"]:
    """Open the installation, for an action that takes more than one transaction."""
    from setaria.bootstrap.commands import open_desk

    with open_desk(settings_of(context, {})) as desk:
        yield desk

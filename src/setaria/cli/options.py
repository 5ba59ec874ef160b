"""Options: a command's many options as one record, for commands that describe something with many settings."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple, get_type_hints

import typer

from setaria.core.errors import InvalidRequest

_MISSING = "a value is missing; leave the flag out to say nothing"


def with_options(kind: type[NamedTuple]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a command's parameter `options` be a record whose fields are options of the command.

    Takes: kind, the record, its fields annotated as typer wants parameters to be.
    """
    hints = get_type_hints(kind, include_extras=True)
    extra = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=kind._field_defaults[name], annotation=hints[name]
        )
        for name in kind._fields
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        def run(**given: object) -> None:
            options = kind._make(given.pop(name) for name in kind._fields)
            command(**given, options=options)

        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in inspect.signature(command, eval_str=True).parameters.values()
            if parameter.name != "options"
        ]
        run.__signature__ = inspect.Signature([*own[:-1], *extra, *own[-1:]])  # type: ignore[attr-defined]  # typer reads it
        run.__doc__, run.__name__ = command.__doc__, command.__name__
        return run

    return decorate


def given_settings(options: NamedTuple, names: Mapping[str, str]) -> dict[str, object]:
    """Give the settings that were given as options, by the names that entries have for them.

    Takes: names, the entry's name of an option where it is another one.
    Raises: typer.BadParameter when an option is empty: it is a shell variable that was not set.
    """
    given = {option: value for option, value in options._asdict().items() if value is not None and value != []}
    for option, value in given.items():
        if value == "":
            raise typer.BadParameter(_MISSING, param_hint=f"--{option.replace('_', '-')}")
    return {names.get(option, option): value for option, value in given.items()}


def read_list(given: list[str] | None, flag: str) -> tuple[str, ...]:
    """Read what commas separate; the flag may be repeated, but never be empty: that would be no restriction.

    Raises: typer.BadParameter.
    """
    parts: list[str] = []
    for each in given or ():
        found = [part.strip() for part in each.split(",") if part.strip()]
        if not found:
            raise typer.BadParameter(_MISSING, param_hint=flag)
        parts += found
    return tuple(parts)


@contextmanager
def reading(place: str = "") -> Iterator[None]:
    """Let a value that can't be read end the command as wrong usage.

    Takes: place, the argument that holds it; by default it is the option that the error names.
    """
    try:
        yield
    except InvalidRequest as error:
        raise typer.BadParameter(error.message, param_hint=place or f"--{error.param}") from None


def read_header(text: str) -> tuple[str, str]:
    """Read a header written as NAME=VALUE.

    Raises: typer.BadParameter.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text.partition(':')[0]!r} must look like NAME=VALUE", param_hint="--header")
    return name, value

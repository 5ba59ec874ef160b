"""Output: what commands print: tables for people, JSON for programs."""

import sys
from collections.abc import Iterable, Sequence

import msgspec
import typer

_PIPE_WIDTH = 10_000


def print_json(value: object) -> None:
    """Print a record, or a list of them, as indented JSON."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | int | None]]) -> None:
    """Print rows under their columns; a number stands at the right, nothing for None."""
    from rich.console import Console
    from rich.table import Table

    content = list(rows)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        is_number = bool(content) and all(isinstance(row[index], int | None) for row in content)
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in content:
        table.add_row(*("" if each is None else str(each) for each in row))
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    Console(width=width, markup=False, highlight=False, emoji=False).print(table)

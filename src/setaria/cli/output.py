"""Output: what commands print: tables for people, JSON for programs."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec
import typer

if TYPE_CHECKING:
    from setaria.bootstrap.doctor import Finding

_PIPE_WIDTH = 10_000


def print_json(value: object) -> None:
    """Print a record, or a list of them, as indented JSON."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def print_findings(findings: "Sequence[Finding]", *, as_json: bool) -> None:
    """Print what checks found, with the remedy of each failure; after a failure the exit code is 1.

    Raises: typer.Exit.
    """
    if as_json:
        print_json(findings)
    else:
        for finding in findings:
            typer.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.id:<12}  {finding.says}")
            if finding.mend:
                typer.echo(f"{'':<20}{finding.mend}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


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

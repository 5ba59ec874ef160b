"""Ledger: the commands about the books as a whole."""

import csv
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from setaria.cli.accounts import AsJson
from setaria.cli.options import reading
from setaria.cli.output import print_json, print_table
from setaria.cli.place import books_to_read, settings_of
from setaria.core.errors import InvalidRequest

ledger = typer.Typer(no_args_is_help=True, help="Prove, reconcile and export the books.", rich_markup_mode=None)


@ledger.command("verify")
def verify(context: typer.Context, as_json: AsJson = False) -> None:
    """Hold the books against all their rules; the exit code is 1 when a row contradicts another."""
    from setaria.management.ledger import verify_ledger

    with books_to_read(context) as books:
        proof = verify_ledger(books.proof)
    if as_json:
        print_json(proof)
    else:
        typer.echo(f"{proof.allowances} allowances, {proof.entries} entries and {proof.calls} charged calls were read.")
        if proof.faults:
            print_table(
                ("ID", "RULE", "ACCOUNT", "SAYS"), [(one.id, one.rule, one.account, one.says) for one in proof.faults]
            )
        typer.echo(f"{len(proof.faults)} rows contradict others." if proof.faults else "Everything adds up.")
    if proof.faults:
        raise typer.Exit(1)


@ledger.command("reconcile")
def reconcile_invoice(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="The upstream's invoice, as CSV with the columns day, model and counts.")],
    upstream: Annotated[str, typer.Option("--upstream", metavar="NAME", help="Whose invoice it is.")],
    tolerance: Annotated[float, typer.Option("--tolerance", min=0, help="How many percent may differ.")] = 0.5,
    as_json: AsJson = False,
) -> None:
    """Compare an upstream's invoice with the books; the exit code is 1 when they differ by more than is tolerated."""
    from setaria.bootstrap.catalog import assemble_catalog
    from setaria.management.ledger import count_off, reconcile

    with books_to_read(context) as books:
        assembled = assemble_catalog(settings_of(context, {}), books.catalog.read_added())
        served = [
            (model.id, deployment.model)
            for model in assembled.models
            for deployment in model.deployments
            if deployment.upstream == upstream
        ]
        try:
            with Path(file).open(encoding="utf-8", newline="") as invoice:
                found = reconcile(books.proof, upstream, invoice, served, tolerance)
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidRequest(f"the invoice {file} can't be read: {error}") from None
    if as_json:
        print_json(found)
    else:
        print_table(
            ("DAY", "MODEL", "COUNT", "INVOICE", "BOOKS", "PERCENT", ""),
            [
                (
                    one.day,
                    one.model,
                    one.id,
                    one.invoice,
                    one.books,
                    "" if one.percent is None else f"{one.percent:+.3f}",
                    "" if one.is_within else "OFF",
                )
                for one in found
            ],
        )
    if count_off(found):
        raise typer.Exit(1)


@ledger.command("export")
def export(
    context: typer.Context,
    begin: Annotated[str | None, typer.Option("--from", metavar="WHEN", help="First day, or moment (UTC).")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="WHEN", help="Last day, or the moment after.")] = None,
    account: Annotated[str | None, typer.Option("--account", metavar="ID", help="Only this account.")] = None,
    as_json: Annotated[bool, typer.Option("--json/--csv", help="One JSON object a line, or CSV.")] = False,
) -> None:
    """Write every movement of the books, calls and entries, oldest first; everything unless a time is given."""
    from setaria.management.accounts import find_account
    from setaria.management.books import currency_of
    from setaria.management.ledger import Movement, export_movements
    from setaria.management.usage import read_period

    with books_to_read(context) as books:
        with reading():
            period = read_period(begin or "1970-01-01", end, books.clock.now_ms())
        account_id = None if account is None else find_account(books.accounts, account).id
        movements = export_movements(books.proof, currency_of(books), account_id, period.from_ms, period.to_ms)
        if as_json:
            for movement in movements:
                typer.echo(msgspec.json.encode(movement))
            return
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(Movement.__struct_fields__)
        table.writerows(msgspec.structs.astuple(movement) for movement in movements)

"""Usage: the commands about what calls took."""

import csv
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from msgspec.structs import astuple

from setaria.cli.accounts import AsJson
from setaria.cli.options import reading
from setaria.cli.output import print_json, print_table
from setaria.cli.place import books_to_read

if TYPE_CHECKING:
    from setaria.management.receipt_shapes import ReceiptShape
    from setaria.management.shapes import CallShape

calls = typer.Typer(no_args_is_help=True, help="Look at single calls.", rich_markup_mode=None)

Account = Annotated[str | None, typer.Option("--account", metavar="ID", help="Only this account's calls.")]

_NO_CALLS = "No calls yet; `setaria serve` shows how to make one."
# Columns that people see only where there is something in them.
_SELDOM = {"audio_seconds", "searches", "credits"}
_NONE = (0, "0")
_NO_CALLS_IN_PERIOD = "No calls in this time; --from and --to choose another one."


def usage(
    context: typer.Context,
    group_by: Annotated[
        Literal["day", "model", "key"], typer.Option("--by", help="One row for each of these.")
    ] = "day",
    begin: Annotated[str | None, typer.Option("--from", metavar="WHEN", help="First day, or moment (UTC).")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="WHEN", help="Last day, or the moment after.")] = None,
    account: Account = None,
    as_json: Annotated[bool | None, typer.Option("--json/--csv", help="Print JSON or CSV for programs.")] = None,
) -> None:
    """Sum what calls took, in the last 30 days unless told otherwise."""
    from setaria.management.books import currency_of
    from setaria.management.shapes import shape_usage
    from setaria.management.usage import read_period, report_usage

    with books_to_read(context) as books:
        with reading():
            period = read_period(begin, end, books.clock.now_ms())
        shape = shape_usage(report_usage(books.accounts, books.calls, group_by, period, account), currency_of(books))
    columns = [group_by, *shape.total.__struct_fields__[1:]]
    rows = [astuple(row) for row in [*shape.rows, shape.total]]
    if as_json:
        print_json(shape)
    elif as_json is not None:
        csv.writer(sys.stdout, lineterminator="\n").writerows([columns, *rows[:-1]])
    elif shape.rows:
        total = rows[-1]
        shown = [place for place, name in enumerate(columns) if name not in _SELDOM or total[place] not in _NONE]
        names = [columns[place].upper().replace("_", " ") for place in shown]
        print_table(names, [[row[place] for place in shown] for row in rows])
    else:
        typer.echo(_NO_CALLS_IN_PERIOD)


@calls.command("show")
def show(
    context: typer.Context,
    call_id: Annotated[str, typer.Argument(metavar="ID", help="The call's id, which answers bear as x-request-id.")],
    as_json: AsJson = False,
) -> None:
    """Show a call with what it cost, who paid for it, and why."""
    from setaria.management.receipt_shapes import shape_receipt
    from setaria.management.usage import find_receipt, find_version

    with books_to_read(context) as books:
        receipt = find_receipt(books.calls, call_id)
        listed = books.prices.read_prices()
    shape = shape_receipt(receipt, find_version(listed, receipt.row.call.price_id), listed.currency)
    if as_json:
        print_json(shape)
        return
    print_table(("", ""), [(name.replace("_", " "), str(value)) for name, value in receipt_lines(shape)])


@calls.command("list")
def show_all(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many.")] = 20,
    account: Account = None,
    as_json: AsJson = False,
) -> None:
    """List the newest calls, newest first."""
    from setaria.management.books import currency_of
    from setaria.management.shapes import shape_call
    from setaria.management.usage import list_calls

    with books_to_read(context) as books:
        currency = currency_of(books)
        shapes = [shape_call(row, currency) for row in list_calls(books.accounts, books.calls, account, limit)]
    if as_json:
        print_json(shapes)
    elif not shapes:
        typer.echo(_NO_CALLS)
    else:
        print_table(
            ("ID", "AT", "ACCOUNT", "KEY", "MODEL", "STATUS", "ENDING", "INPUT", "OUTPUT", "COST", "FIRST MS", "MS"),
            [_row(shape) for shape in shapes],
        )


def receipt_lines(receipt: "ReceiptShape") -> Iterator[tuple[str, str | int | None]]:
    """Give a receipt line by line, what belongs to its price and to who paid in words."""
    for name, value in zip(receipt.__struct_fields__, astuple(receipt), strict=True):
        is_seldom = name in _SELDOM and value in _NONE
        if name not in {"price", "paid"} and value not in ("", None) and not is_seldom:
            yield name, value
    price = receipt.price
    if price is not None:
        amounts = f"input {price.input}, cached {price.cached_input}, cache write {price.cache_write}"
        yield "price", f"{price.id} from {price.begin}: {amounts}, output {price.output} {price.unit}"
        if receipt.audio_seconds:
            yield "sound", f"{price.audio_per_hour} an hour"
        if receipt.searches:
            yield "searches", f"{price.search_per_1000} a thousand"
        yield "factors", f"{price.tier_factor} for the input's length, {price.time_factor} for the time"
    for paid in receipt.paid:
        yield "paid", f"{paid.amount} {paid.currency} by {paid.purse or 'a purse that is gone'} {paid.id}"


def _row(call: "CallShape") -> tuple[str | int | None, ...]:
    return (
        call.id,
        call.at,
        call.account_name,
        call.key_name,
        call.model,
        call.status,
        call.ending,
        call.input_tokens + call.cached_input_tokens + call.cache_write_tokens,
        call.output_tokens,
        f"{call.cost} {call.currency}" if call.lane == "payg" else f"{call.credits} credits",
        call.first_token_ms,
        call.duration_ms,
    )

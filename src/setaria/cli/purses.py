"""Purses: the commands about accounts that move money."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from setaria.cli.accounts import AccountName, AsJson, accounts
from setaria.cli.options import reading, with_options
from setaria.cli.output import print_json, print_table
from setaria.cli.place import books_to_change, books_to_read, desk_of
from setaria.core.money import nano_from_decimal, signed_nano_from_decimal

if TYPE_CHECKING:
    from setaria.management.money_shapes import EntryShape

Amount = Annotated[str, typer.Argument(help="A decimal number, such as 12.50.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the ledger.")]


class TopUpOptions(NamedTuple):
    """What is said about a top-up on the command line."""

    gift: Annotated[bool, typer.Option("--gift", help="For calls only, used before cash, never paid out.")] = False
    expires: Annotated[str | None, typer.Option("--expires", metavar="WHEN", help="Last day of a gift (UTC).")] = None
    reason: Reason = ""


@accounts.command("topup", context_settings={"ignore_unknown_options": True})
@with_options(TopUpOptions)
def top_up(
    context: typer.Context,
    account: AccountName,
    amount: Amount,
    options: TopUpOptions,
    as_json: AsJson = False,
) -> None:
    """Put money into an account."""
    from setaria.management import purses
    from setaria.management.books import currency_of
    from setaria.management.entries import Payment
    from setaria.management.moments import read_end
    from setaria.management.money_shapes import shape_entry

    gift, expires, reason = options
    if expires is not None and not gift:
        raise typer.BadParameter("only a gift expires; add --gift, or leave it out", param_hint="--expires")
    with reading("AMOUNT"):
        payment = Payment(nano_from_decimal(amount), reason)
    with books_to_change(context) as books:
        if gift:
            with reading():
                ends_at_ms = None if expires is None else read_end(expires, "expires", books.clock.now_ms())
            entry = purses.give(books, account, payment, ends_at_ms)
        else:
            entry = purses.top_up(books, account, payment)
        currency = currency_of(books)
    print_entry(shape_entry(entry, "gift" if gift else "cash", currency), as_json=as_json)


@accounts.command("adjust", context_settings={"ignore_unknown_options": True})
def adjust(
    context: typer.Context,
    account: AccountName,
    amount: Annotated[str, typer.Argument(help="What to add; with a minus before it, what to take away.")],
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Correct an account's cash, with a reason."""
    from setaria.management import purses
    from setaria.management.books import currency_of
    from setaria.management.entries import Payment
    from setaria.management.money_shapes import shape_entry
    from setaria.management.recall import with_leases_home

    with reading("AMOUNT"):
        payment = Payment(signed_nano_from_decimal(amount), reason)
    with desk_of(context) as desk:
        entry, currency = with_leases_home(
            desk.begin,
            desk.clock,
            account,
            lambda books: (purses.adjust(books, account, payment), currency_of(books)),
        )
    print_entry(shape_entry(entry, "cash", currency), as_json=as_json)


@accounts.command("refund", context_settings={"ignore_unknown_options": True})
def refund(
    context: typer.Context, account: AccountName, amount: Amount, reason: Reason = "", as_json: AsJson = False
) -> None:
    """Take money out of an account that is paid back: at most what was paid in and is not spent."""
    from setaria.management import purses
    from setaria.management.books import currency_of
    from setaria.management.entries import Payment
    from setaria.management.money_shapes import shape_entry
    from setaria.management.recall import with_leases_home

    with reading("AMOUNT"):
        payment = Payment(nano_from_decimal(amount), reason)
    with desk_of(context) as desk:
        entry, currency = with_leases_home(
            desk.begin,
            desk.clock,
            account,
            lambda books: (purses.refund(books, account, payment), currency_of(books)),
        )
    print_entry(shape_entry(entry, "cash", currency), as_json=as_json)


@accounts.command("close")
def close(
    context: typer.Context,
    account: AccountName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Close an account for good: its keys are revoked, its purses emptied, its name and address blanked."""
    from setaria.management.books import currency_of
    from setaria.management.closing import close_account
    from setaria.management.money_shapes import shape_closed
    from setaria.management.recall import with_calls_drained

    if not yes:
        typer.confirm(f"Close the account {account} for good?", abort=True, err=True)
    with desk_of(context) as desk:
        closed, currency = with_calls_drained(
            desk.begin, desk.clock, account, lambda books: (close_account(books, account), currency_of(books))
        )
    shape = shape_closed(closed, currency)
    if as_json:
        print_json(shape)
    else:
        typer.echo(f"Account {shape.id} is closed. To be paid back: {shape.refund} {shape.currency}.")


@accounts.command("entries")
def entries(
    context: typer.Context,
    account: AccountName,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List what moved an account's money beside its calls, newest first."""
    from setaria.management import purses
    from setaria.management.books import currency_of
    from setaria.management.money_shapes import shape_entry_row

    with books_to_read(context) as books:
        currency = currency_of(books)
        shapes = [shape_entry_row(row, currency) for row in purses.list_entries(books, account, limit)]
    if as_json:
        print_json(shapes)
    elif not shapes:
        typer.echo("Nothing was moved yet.")
    else:
        rows = (
            (one.id, one.at, one.kind, one.purse, f"{one.amount} {one.currency}", one.actor, one.reason)
            for one in shapes
        )
        print_table(("ID", "AT", "KIND", "PURSE", "AMOUNT", "BY", "WHY"), rows)


def print_entry(shape: "EntryShape", *, as_json: bool) -> None:
    """Print a movement of a purse that was just made."""
    if as_json:
        print_json(shape)
    else:
        typer.echo(f"{shape.kind}: {shape.amount} {shape.currency} of {shape.purse}; account {shape.account}")

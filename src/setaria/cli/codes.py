"""Codes: the commands about redeem codes."""

from typing import Annotated

import typer

from setaria.cli.accounts import AccountName, AsJson
from setaria.cli.options import reading
from setaria.cli.output import print_json, print_table
from setaria.cli.place import books_to_change, books_to_read
from setaria.cli.purses import print_entry
from setaria.core.money import nano_from_decimal

codes = typer.Typer(no_args_is_help=True, help="Make and redeem codes worth money.", rich_markup_mode=None)


@codes.command("create")
def create(
    context: typer.Context,
    amount: Annotated[str, typer.Option("--amount", help="What each is worth, such as 12.50.")],
    count: Annotated[int, typer.Option("--count", min=1, max=10_000, help="How many.")] = 1,
    expires: Annotated[str | None, typer.Option("--expires", metavar="WHEN", help="Their last day (UTC).")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a batch of codes and show them, this once; each can be redeemed by one account, once."""
    from setaria.management.books import currency_of
    from setaria.management.codes import create_codes
    from setaria.management.moments import read_end
    from setaria.management.money_shapes import shape_new_code

    with reading():
        amount_nano = nano_from_decimal(amount)
    with books_to_change(context) as books:
        with reading():
            expires_at_ms = None if expires is None else read_end(expires, "expires", books.clock.now_ms())
        made, currency = create_codes(books, amount_nano, count, expires_at_ms), currency_of(books)
    if as_json:
        print_json([shape_new_code(code, text, currency) for code, text in made])
        return
    for _, text in made:
        typer.echo(text)
    typer.echo(f"Batch {made[0][0].batch}. The codes are shown this once: keep them in a safe place.", err=True)


@codes.command("redeem")
def redeem(
    context: typer.Context,
    account: AccountName,
    code: Annotated[str, typer.Argument(help="The code; dashes and small letters make no difference.")],
    as_json: AsJson = False,
) -> None:
    """Put what a code is worth into an account's cash."""
    from setaria.management.books import currency_of
    from setaria.management.codes import redeem_code
    from setaria.management.money_shapes import shape_entry

    with books_to_change(context) as books:
        entry, currency = redeem_code(books, account, code), currency_of(books)
    print_entry(shape_entry(entry, "cash", currency), as_json=as_json)


@codes.command("list")
def show(
    context: typer.Context,
    batch: Annotated[str | None, typer.Option("--batch", metavar="ID", help="Only this batch.")] = None,
    as_json: AsJson = False,
) -> None:
    """List codes and who has redeemed them; never their text."""
    from setaria.management.books import currency_of
    from setaria.management.codes import list_codes
    from setaria.management.money_shapes import shape_code

    with books_to_read(context) as books:
        currency = currency_of(books)
        shapes = [shape_code(code, currency) for code in list_codes(books, batch)]
    if as_json:
        print_json(shapes)
    elif not shapes:
        typer.echo("No codes yet; make some: setaria codes create --amount 10 --count 5")
    else:
        rows = (
            (one.id, one.batch, f"...{one.last4}", f"{one.amount} {one.currency}", one.expires_at, one.redeemed_by)
            for one in shapes
        )
        print_table(("ID", "BATCH", "CODE", "AMOUNT", "EXPIRES", "REDEEMED BY"), rows)

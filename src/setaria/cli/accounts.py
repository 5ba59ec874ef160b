"""Accounts: the commands about accounts."""

from typing import Annotated, Literal

import typer

from setaria.cli.output import print_json, print_table
from setaria.cli.place import books_to_change, books_to_read

accounts = typer.Typer(no_args_is_help=True, help="Make accounts, and see to their money.", rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
AccountName = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account, by its id or its name.")]


@accounts.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A name that no other account has.")],
    email: Annotated[str, typer.Option("--email", help="Where its owner is reached.")] = "",
    billing: Annotated[
        Literal["prepaid", "postpaid"], typer.Option("--billing", help="Whether it pays before its calls or after.")
    ] = "prepaid",
    as_json: AsJson = False,
) -> None:
    """Make an account."""
    from setaria.management.accounts import create_account
    from setaria.management.shapes import shape_account

    with books_to_change(context) as books:
        account = create_account(books.accounts, books.purses, books.clock, name, email, billing)
    if as_json:
        print_json(shape_account(account))
        return
    typer.echo(f"Account {account.name} is made; its id is {account.id}.")
    if billing == "prepaid":
        typer.echo(f"Put money into it: setaria accounts topup {account.id} AMOUNT")
    typer.echo(f"Make a key for it: setaria keys create --account {account.id}")


@accounts.command("list")
def show_all(context: typer.Context, as_json: AsJson = False) -> None:
    """List all accounts, oldest first."""
    from setaria.management.accounts import list_accounts
    from setaria.management.shapes import shape_account

    with books_to_read(context) as books:
        shapes = [shape_account(account) for account in list_accounts(books.accounts)]
    if as_json:
        print_json(shapes)
    else:
        rows = ((one.id, one.name, one.status, one.billing, one.email, one.created_at) for one in shapes)
        print_table(("ID", "NAME", "STATUS", "BILLING", "EMAIL", "MADE"), rows)


@accounts.command("show")
def show(context: typer.Context, account: AccountName, as_json: AsJson = False) -> None:
    """Show an account and what it has."""
    from setaria.management.books import currency_of
    from setaria.management.money_shapes import shape_statement
    from setaria.management.purses import show_account

    with books_to_read(context) as books:
        shape = shape_statement(show_account(books, account), currency_of(books))
    if as_json:
        print_json(shape)
        return
    owner = f" <{shape.email}>" if shape.email else ""
    typer.echo(f"{shape.name}{owner}  {shape.id}  {shape.status}, {shape.billing}, made {shape.created_at}\n")
    balance = shape.balance
    amounts = (balance.cash, balance.gift, balance.debt, balance.available)
    print_table(("CASH", "GIFT", "DEBT", "AVAILABLE"), [tuple(f"{each} {balance.currency}" for each in amounts)])
    if shape.gifts:
        typer.echo()
        rows = [(gift.id, f"{gift.granted} {gift.currency}", gift.left, gift.expires_at) for gift in shape.gifts]
        print_table(("GIFT", "GIVEN", "LEFT", "EXPIRES"), rows)


@accounts.command("suspend")
def suspend(context: typer.Context, account: AccountName, as_json: AsJson = False) -> None:
    """Refuse an account's calls from now on; calls under way finish."""
    from setaria.management.accounts import suspend_account
    from setaria.management.shapes import shape_account

    with books_to_change(context) as books:
        changed = suspend_account(books.accounts, account)
    if as_json:
        print_json(shape_account(changed))
    else:
        typer.echo(f"Account {changed.name} is suspended. To end that: setaria accounts resume {changed.id}")


@accounts.command("resume")
def resume(context: typer.Context, account: AccountName, as_json: AsJson = False) -> None:
    """Let a suspended account make calls again."""
    from setaria.management.accounts import resume_account
    from setaria.management.shapes import shape_account

    with books_to_change(context) as books:
        changed = resume_account(books.accounts, account)
    if as_json:
        print_json(shape_account(changed))
    else:
        typer.echo(f"Account {changed.name} is active.")

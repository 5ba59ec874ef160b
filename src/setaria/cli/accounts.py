"""Accounts: the commands about accounts."""

from typing import Annotated

import typer

from setaria.cli.output import print_json, print_table
from setaria.cli.place import books_to_change, books_to_read

accounts = typer.Typer(no_args_is_help=True, help="Make and list accounts.", rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@accounts.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A name that no other account has.")],
    as_json: AsJson = False,
) -> None:
    """Make an account."""
    from setaria.management.accounts import create_account
    from setaria.management.shapes import shape_account

    with books_to_change(context) as books:
        account = create_account(books.accounts, books.clock, name)
    if as_json:
        print_json(shape_account(account))
    else:
        typer.echo(f"Account {account.name} is made; its id is {account.id}.")
        typer.echo(f"Make a key for it: setaria keys create --account {account.id}")


@accounts.command("list")
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """List all accounts, oldest first."""
    from setaria.management.accounts import list_accounts
    from setaria.management.shapes import shape_account

    with books_to_read(context) as books:
        shapes = [shape_account(account) for account in list_accounts(books.accounts)]
    if as_json:
        print_json(shapes)
    else:
        print_table(
            ("ID", "NAME", "STATUS", "MADE"), ((one.id, one.name, one.status, one.created_at) for one in shapes)
        )

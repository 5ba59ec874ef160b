"""Keys: the commands about API keys."""

from typing import Annotated

import typer

from setaria.cli.accounts import AsJson
from setaria.cli.output import print_json, print_table
from setaria.cli.place import books_to_change, books_to_read

DEFAULT_ACCOUNT = "default"

keys = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys.", rich_markup_mode=None)


@keys.command("create")
def create(
    context: typer.Context,
    account: Annotated[
        str, typer.Option("--account", metavar="ID", help="The account, by its id or its name.")
    ] = DEFAULT_ACCOUNT,
    name: Annotated[str, typer.Option("--name", help="What the key is for.")] = "key",
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, this once."""
    from setaria.management.keys import create_key
    from setaria.management.shapes import shape_new_key

    with books_to_change(context) as books:
        key, text = create_key(books, account, name)
    if as_json:
        print_json(shape_new_key(key, text))
    else:
        typer.echo(f"{text}\n")
        typer.echo(f"This is key {key.id} ({key.name}). It is shown this once: keep it in a safe place.")


@keys.command("list")
def show(
    context: typer.Context,
    account: Annotated[str | None, typer.Option("--account", metavar="ID", help="Only this account's keys.")] = None,
    as_json: AsJson = False,
) -> None:
    """List keys, oldest first, revoked ones too; never their text."""
    from setaria.management.keys import list_keys
    from setaria.management.shapes import shape_key

    with books_to_read(context) as books:
        shapes = [shape_key(key) for key in list_keys(books.accounts, books.keys, account)]
    if as_json:
        print_json(shapes)
    elif not shapes:
        typer.echo("No keys yet; make one: setaria keys create")
    else:
        rows = ((one.id, one.name, one.account, f"...{one.last4}", one.created_at, one.revoked_at) for one in shapes)
        print_table(("ID", "NAME", "ACCOUNT", "KEY", "MADE", "REVOKED"), rows)


@keys.command("revoke")
def revoke(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="The id that `keys list` shows, not the key itself.")],
) -> None:
    """Revoke a key for good; within a second nobody can use it."""
    from setaria.management.keys import revoke_key

    with books_to_change(context) as books:
        key = revoke_key(books, key_id)
    typer.echo(f"Key {key.id} ({key.name}) is revoked.")

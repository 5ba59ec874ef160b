"""Keys: the commands about API keys."""

from typing import Annotated, NamedTuple

import typer

from setaria.cli.accounts import AsJson
from setaria.cli.options import read_list, with_options
from setaria.cli.output import print_json, print_table
from setaria.cli.place import books_to_change, books_to_read

DEFAULT_ACCOUNT = "default"

keys = typer.Typer(no_args_is_help=True, help="Make API keys, and see to them.", rich_markup_mode=None)

KeyId = Annotated[str, typer.Argument(metavar="KEY_ID", help="The id that `keys list` shows, not the key itself.")]


class KeyOptions(NamedTuple):
    """What is said about a key on the command line."""

    account: Annotated[str, typer.Option("--account", metavar="ID", help="The account, by its id or its name.")] = (
        DEFAULT_ACCOUNT
    )
    name: Annotated[str, typer.Option("--name", help="What the key is for.")] = "key"
    expires: Annotated[str | None, typer.Option("--expires", metavar="WHEN", help="Its last day (UTC).")] = None
    models: Annotated[
        list[str] | None, typer.Option("--models", metavar="M,...", help="The only models it may be used for.")
    ] = None
    networks: Annotated[
        list[str] | None, typer.Option("--networks", metavar="CIDR,...", help="Where calls may come from.")
    ] = None
    cap: Annotated[str | None, typer.Option("--cap", metavar="AMOUNT", help="What a month's calls may cost.")] = None


@keys.command("create")
@with_options(KeyOptions)
def create(context: typer.Context, options: KeyOptions, as_json: AsJson = False) -> None:
    """Make a key and show it, this once."""
    from setaria.management.key_rules import WrittenRules, read_rules
    from setaria.management.keys import KeyTerms, create_key
    from setaria.management.moments import read_end
    from setaria.management.shapes import shape_new_key

    models, networks = read_list(options.models, "--models"), read_list(options.networks, "--networks")
    written = WrittenRules(models, networks, options.cap)
    with books_to_change(context) as books:
        rules = read_rules(books.catalog, books.fixed, written)
        expires = options.expires
        expires_at_ms = None if expires is None else read_end(expires, "expires", books.clock.now_ms())
        key, text = create_key(books, options.account, options.name, KeyTerms(expires_at_ms, rules))
    if as_json:
        print_json(shape_new_key(key, text))
    else:
        _show_new(key.id, key.name, text)


@keys.command("list")
def show(
    context: typer.Context,
    account: Annotated[str | None, typer.Option("--account", metavar="ID", help="Only this account's keys.")] = None,
    as_json: AsJson = False,
) -> None:
    """List keys, oldest first, revoked ones too; never their text."""
    from setaria.management.books import currency_of
    from setaria.management.keys import list_keys
    from setaria.management.shapes import shape_key

    with books_to_read(context) as books:
        currency = currency_of(books)
        shapes = [shape_key(key, currency) for key in list_keys(books.accounts, books.keys, account)]
    if as_json:
        print_json(shapes)
    elif not shapes:
        typer.echo("No keys yet; make one: setaria keys create")
    else:
        rows = (
            (
                *(one.id, one.name, one.account, f"...{one.last4}", one.created_at, one.last_used_at),
                *(one.expires_at, one.disabled_at, one.revoked_at),
            )
            for one in shapes
        )
        print_table(("ID", "NAME", "ACCOUNT", "KEY", "MADE", "LAST USED", "EXPIRES", "DISABLED", "REVOKED"), rows)


@keys.command("rotate")
def rotate(
    context: typer.Context,
    key_id: KeyId,
    overlap: Annotated[
        str, typer.Option("--overlap", help="How long the old one stays good, such as 24h; or 0.")
    ] = "24h",
    as_json: AsJson = False,
) -> None:
    """Make a key in the place of another one and show it, this once; its name, end and rules go over."""
    from setaria.management.keys import rotate_key
    from setaria.management.moments import read_duration
    from setaria.management.shapes import shape_new_key

    overlap_ms = read_duration(overlap, "overlap")
    with books_to_change(context) as books:
        key, text = rotate_key(books, key_id, overlap_ms)
    if as_json:
        print_json(shape_new_key(key, text))
    else:
        _show_new(key.id, key.name, text)
        typer.echo(f"The old one, {key_id}, {f'stays good for {overlap}' if overlap_ms else 'is revoked'}.")


@keys.command("disable")
def disable(context: typer.Context, key_id: KeyId) -> None:
    """Disable a key; within a second nobody can use it until it is enabled again."""
    from setaria.management.keys import disable_key

    with books_to_change(context) as books:
        key = disable_key(books, key_id)
    typer.echo(f"Key {key.id} ({key.name}) is disabled. To end that: setaria keys enable {key.id}")


@keys.command("enable")
def enable(context: typer.Context, key_id: KeyId) -> None:
    """Let a disabled key be used again."""
    from setaria.management.keys import enable_key

    with books_to_change(context) as books:
        key = enable_key(books, key_id)
    typer.echo(f"Key {key.id} ({key.name}) is enabled.")


@keys.command("revoke")
def revoke(context: typer.Context, key_id: KeyId) -> None:
    """Revoke a key for good; within a second nobody can use it."""
    from setaria.management.keys import revoke_key

    with books_to_change(context) as books:
        key = revoke_key(books, key_id)
    typer.echo(f"Key {key.id} ({key.name}) is revoked.")


@keys.command("delete")
def delete(context: typer.Context, key_id: KeyId) -> None:
    """Revoke a key and list it no more; its calls stay on the books."""
    from setaria.management.keys import delete_key

    with books_to_change(context) as books:
        key = delete_key(books, key_id)
    typer.echo(f"Key {key.id} ({key.name}) is deleted.")


def _show_new(key_id: str, name: str, text: str) -> None:
    typer.echo(f"{text}\n")
    typer.echo(f"This is key {key_id} ({name}). It is shown this once: keep it in a safe place.")

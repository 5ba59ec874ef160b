"""Database: the commands about the database itself."""

from pathlib import Path
from typing import Annotated

import typer

from setaria.cli.accounts import AsJson
from setaria.cli.output import print_json, print_table
from setaria.cli.place import settings_of

database = typer.Typer(
    no_args_is_help=True, help="Upgrade, back up, restore or move the database.", rich_markup_mode=None
)

_APART = "The server's secret is not in it: keep a copy of {} apart from it; without it no key works."


@database.command("upgrade")
def upgrade(context: typer.Context, as_json: AsJson = False) -> None:
    """Bring the tables to this version, after a backup; stop all servers on the database first."""
    from setaria.bootstrap.database import upgrade_database
    from setaria.core.clock import SystemClock

    done = upgrade_database(settings_of(context, {}), SystemClock())
    if as_json:
        print_json(done)
    elif done.was:
        typer.echo(f"The tables of revision {done.was} were upgraded; the state of before is in {done.backup}.")
    else:
        typer.echo("The tables are those of this version; nothing was to be done.")


@database.command("backup")
def back_up(
    context: typer.Context,
    file: Annotated[str | None, typer.Argument(help="The file to write; by default one in DATA/backups.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the whole database into one file; servers may run meanwhile."""
    from setaria.bootstrap.database import back_up_database
    from setaria.core.clock import SystemClock

    settings = settings_of(context, {})
    written = back_up_database(settings, None if file is None else Path(file), SystemClock())
    if as_json:
        print_json({"file": str(written), "size_bytes": written.stat().st_size, "has_secret": False})
    else:
        typer.echo(f"The backup is {written}.")
        typer.echo(_APART.format(settings.server.secret_file))


@database.command("restore")
def restore(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="A file that `setaria db backup` wrote.")],
    as_json: AsJson = False,
) -> None:
    """Put a backup in the place of the database; stop the server first."""
    from setaria.bootstrap.database import restore_database
    from setaria.core.clock import SystemClock

    done = restore_database(settings_of(context, {}), Path(file), SystemClock())
    if as_json:
        print_json(done)
    else:
        typer.echo("The backup is in place.")
        if done.backup:
            typer.echo(f"The database of before is kept as {done.backup}.")


@database.command("prune")
def prune(
    context: typer.Context,
    days: Annotated[
        int | None, typer.Option("--days", min=0, help="Keep so many; by default database.retention_days.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Drop calls older than they are to be kept; their sums stay. A running server does it by itself."""
    from setaria.bootstrap.housekeeping import prune_database
    from setaria.core.clock import SystemClock

    settings = settings_of(context, {})
    keep_days = settings.database.retention_days if days is None else days
    dropped = prune_database(settings, keep_days, SystemClock())
    if as_json:
        print_json({"kept_days": keep_days, "dropped_calls": dropped})
    elif keep_days:
        typer.echo(f"{dropped} calls of more than {keep_days} days ago were dropped; their sums stay.")
    else:
        typer.echo("Calls are kept for ever: set database.retention_days, or give --days.")


@database.command("move")
def move(
    context: typer.Context,
    to: Annotated[str, typer.Option("--to", metavar="URL", help="As postgresql://user:password@host/name.")],
    as_json: AsJson = False,
) -> None:
    """Copy everything into an empty PostgreSQL database and prove it; stop the server first."""
    from setaria.bootstrap.database import move_database
    from setaria.core.clock import SystemClock

    proofs = move_database(settings_of(context, {}), to, SystemClock())
    if as_json:
        print_json(proofs)
        return
    print_table(
        ("TABLE", "ROWS", "SUMS"),
        [(one.id, one.rows, ", ".join(f"{name} {value}" for name, value in one.sums.items())) for one in proofs],
    )
    typer.echo("Both databases hold the same. From now on start with database.url set to the new one;")
    typer.echo("the old one was not changed: keep it until you are sure, and let no server run on it.")

"""System: the commands about the program itself: its settings, health and version."""

import platform
from typing import Annotated

import typer

from setaria import __version__
from setaria.cli.accounts import AsJson
from setaria.cli.output import print_findings, print_json, print_table
from setaria.cli.place import place_of, settings_of
from setaria.config import check_secrets, explain_settings
from setaria.core.entries import doubt_base_url

config = typer.Typer(no_args_is_help=True, help="Look at the settings.", rich_markup_mode=None)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option("--host", help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="The port to listen on.")] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, max=256, help="How many processes serve.")] = None,
) -> None:
    """Start the platform; it runs until it is stopped by Ctrl-C or SIGTERM."""
    from setaria.bootstrap.parent import start
    from setaria.bootstrap.preparation import prepare

    settings = settings_of(context, {"server.host": host, "server.port": port, "server.workers": workers})
    check_secrets(settings)
    for doubt in map(doubt_base_url, settings.entries.upstreams):
        if doubt:
            typer.echo(f"setaria: {doubt}", err=True)
    start(settings, prepare(settings) or "")


@config.command("show")
def show_config(context: typer.Context, as_json: AsJson = False) -> None:
    """Show every setting and where it comes from; passwords are hidden."""
    place = place_of(context)
    lines = explain_settings(place.data, place.config)
    if as_json:
        print_json(lines)
    else:
        print_table(("SETTING", "VALUE", "FROM"), ((line.id, line.value, line.source) for line in lines))


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Check what Setaria needs, and say how to mend what is missing."""
    from setaria.bootstrap.doctor import examine

    place = place_of(context)
    print_findings(examine(place.data, place.config), as_json=as_json)


def version(as_json: AsJson = False) -> None:
    """Show the version."""
    if as_json:
        about = {"version": __version__, "python": platform.python_version(), "platform": platform.platform()}
        print_json(about)
    else:
        typer.echo(f"Setaria {__version__} (Python {platform.python_version()}, {platform.platform()})")

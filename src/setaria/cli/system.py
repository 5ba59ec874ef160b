"""System: the commands about the program itself: its settings, models, health and version."""

import platform
from typing import Annotated

import typer

from setaria import __version__
from setaria.cli.accounts import AsJson
from setaria.cli.output import print_json, print_table
from setaria.cli.place import place_of, settings_of
from setaria.config import explain_settings

config = typer.Typer(no_args_is_help=True, help="Look at the settings.", rich_markup_mode=None)
models = typer.Typer(no_args_is_help=True, help="Look at the models.", rich_markup_mode=None)


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
    start(settings, prepare(settings) or "")


@models.command("list")
def show_models(context: typer.Context, as_json: AsJson = False) -> None:
    """List the models that callers may name."""
    from setaria.bootstrap.catalog import build_catalog
    from setaria.management.shapes import shape_model

    shapes = [shape_model(model) for model in build_catalog(settings_of(context, {})).models]
    if as_json:
        print_json(shapes)
    else:
        lists = [(", ".join(each.aliases), ", ".join(each.capabilities), ", ".join(each.upstreams)) for each in shapes]
        rows = (
            (each.id, aliases, each.context_tokens, each.output_tokens, capabilities, upstreams)
            for each, (aliases, capabilities, upstreams) in zip(shapes, lists, strict=True)
        )
        print_table(("ID", "ALIASES", "CONTEXT", "OUTPUT", "CAPABILITIES", "UPSTREAMS"), rows)


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
    findings = examine(place.data, place.config)
    if as_json:
        print_json(findings)
    else:
        for finding in findings:
            typer.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.id:<12}  {finding.says}")
            if finding.mend:
                typer.echo(f"{'':<20}{finding.mend}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def version(as_json: AsJson = False) -> None:
    """Show the version."""
    if as_json:
        about = {"version": __version__, "python": platform.python_version(), "platform": platform.platform()}
        print_json(about)
    else:
        typer.echo(f"Setaria {__version__} (Python {platform.python_version()}, {platform.platform()})")

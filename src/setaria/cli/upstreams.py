"""Upstreams: the commands about model servers."""

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import typer

from setaria.cli.accounts import AsJson
from setaria.cli.options import given_settings, read_header, with_options
from setaria.cli.output import print_findings, print_json, print_table
from setaria.cli.place import books_to_change, books_to_read, settings_of
from setaria.core.entries import UpstreamEntry, doubt_base_url

upstreams = typer.Typer(no_args_is_help=True, help="Connect model servers.", rich_markup_mode=None)

Name = Annotated[str, typer.Argument(help="The upstream's name.")]

_ADD_ONE = "Connect a model server: setaria upstreams add NAME --base-url http://127.0.0.1:8000/v1"


class UpstreamOptions(NamedTuple):
    """What is said about an upstream on the command line."""

    kind: Annotated[Literal["openai", "anthropic"], typer.Option("--kind", help="The protocol that it speaks.")] = (
        "openai"
    )
    base_url: Annotated[
        str | None, typer.Option("--base-url", metavar="URL", help="Its address: openai with /v1, anthropic without.")
    ] = None
    key_env: Annotated[
        str | None, typer.Option("--key-env", metavar="VAR", help="The variable of the server that holds its API key.")
    ] = None
    key_file: Annotated[
        str | None, typer.Option("--key-file", metavar="FILE", help="The file that holds its API key.")
    ] = None
    header: Annotated[
        list[str] | None, typer.Option("--header", metavar="NAME=VALUE", help="A header to send; may be repeated.")
    ] = None
    pass_field: Annotated[
        list[str] | None,
        typer.Option("--pass-field", metavar="FIELD", help="An unknown field of requests to pass on; may be repeated."),
    ] = None
    concurrency: Annotated[int | None, typer.Option("--concurrency", min=0, help="Calls at once; 0 is no cap.")] = None
    ca_file: Annotated[
        str | None, typer.Option("--ca-file", metavar="FILE", help="Certificates of an authority of your own.")
    ] = None


@upstreams.command("add")
@with_options(UpstreamOptions)
def add(context: typer.Context, name: Name, options: UpstreamOptions, as_json: AsJson = False) -> None:
    """Connect a model server; a running Setaria knows it within a second."""
    from setaria.management.shapes import shape_upstream
    from setaria.management.upstreams import add_upstream

    names = {
        "key_env": "api_key_env",
        "key_file": "api_key_file",
        "header": "headers",
        "pass_field": "pass_fields",
    }
    content = {"name": name} | given_settings(options, names)
    if options.header:
        content["headers"] = dict(map(read_header, options.header))
    for key in ("api_key_file", "ca_file"):
        if key in content:
            content[key] = str(Path(str(content[key])).absolute())
    with books_to_change(context) as books:
        upstream = add_upstream(books.catalog, books.clock, books.fixed, content)
    if as_json:
        print_json(shape_upstream(upstream, books.fixed))
        return
    typer.echo(f"The upstream {name} is added. Try it: setaria upstreams test {name}")
    typer.echo(f"Offer a model of it: setaria models add MODEL --upstream {name} --model NAME-THERE")
    for note in _notes(upstream):
        typer.echo(f"Note: {note}.")


@upstreams.command("list")
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """List upstreams: those of the file, those added by command, and the built-in engine."""
    from setaria.management.shapes import shape_upstream
    from setaria.management.upstreams import list_upstreams

    with books_to_read(context) as books:
        shapes = [shape_upstream(each, books.fixed) for each in list_upstreams(books.catalog, books.fixed)]
    if as_json:
        print_json(shapes)
        return
    rows = ((each.id, each.kind, each.base_url, each.api_key_env or each.api_key_file, each.source) for each in shapes)
    print_table(("NAME", "KIND", "BASE URL", "KEY IN", "SOURCE"), rows)
    if all(each.source == "built-in" for each in shapes):
        typer.echo(_ADD_ONE)


@upstreams.command("test")
def try_one(
    context: typer.Context,
    name: Name,
    model: Annotated[str | None, typer.Option("--model", help="The model there to ask.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a real call at an upstream, and say what is wrong and how to mend it."""
    from setaria.bootstrap.catalog import build_catalog
    from setaria.bootstrap.trial import try_upstream
    from setaria.management.upstreams import find_upstream

    settings = settings_of(context, {})
    with books_to_read(context) as books:
        upstream = find_upstream(books.catalog, books.fixed, name)
        catalog = build_catalog(settings, books.catalog.read_added())
    print_findings(try_upstream(settings, catalog, upstream, model), as_json=as_json)


@upstreams.command("remove")
def remove(context: typer.Context, name: Name) -> None:
    """Remove an upstream that was added by command; calls under way finish."""
    from setaria.management.upstreams import remove_upstream

    with books_to_change(context) as books:
        remove_upstream(books.catalog, books.fixed, name)
    typer.echo(f"The upstream {name} is removed.")


def _notes(upstream: UpstreamEntry) -> list[str]:
    """Say what a person should think of."""
    notes = [doubt_base_url(upstream)]
    if upstream.api_key_env:
        notes.append(
            f"the server reads {upstream.api_key_env} when it starts; one that runs without it must be started again, "
            "while a file given with --key-file is read at once"
        )
    return [note for note in notes if note]

"""Models: the commands about the models that callers may name."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from setaria.cli.accounts import AsJson
from setaria.cli.options import given_settings, with_options
from setaria.cli.output import print_findings, print_json, print_table
from setaria.cli.place import books_to_change, books_to_read, settings_of
from setaria.core.entries import LOCAL, ThinkingStyle

if TYPE_CHECKING:
    from setaria.management.shapes import ModelShape

models = typer.Typer(no_args_is_help=True, help="Choose which models callers may name.", rich_markup_mode=None)

Name = Annotated[str, typer.Argument(help="The name by which callers ask for the model.")]

_DEPLOYMENT = ("upstream", "model", "weight", "thinking_style")


class ModelOptions(NamedTuple):
    """What is said about a model on the command line."""

    upstream: Annotated[str | None, typer.Option("--upstream", help="The upstream that serves it.")] = None
    model: Annotated[str | None, typer.Option("--model", help="Its name there; NAME by default.")] = None
    local: Annotated[
        str | None, typer.Option("--local", metavar="PATH", help="A folder with an ONNX export, for the own engine.")
    ] = None
    weight: Annotated[int | None, typer.Option("--weight", min=0, help="Its share of the calls there.")] = None
    thinking_style: Annotated[
        ThinkingStyle | None, typer.Option("--thinking-style", help="How thinking is switched there.")
    ] = None
    display_name: Annotated[str | None, typer.Option("--display-name", help="A name for people.")] = None
    description: Annotated[str | None, typer.Option("--description", help="What it is, in a sentence.")] = None
    alias: Annotated[list[str] | None, typer.Option("--alias", help="Another name; may be repeated.")] = None
    context_tokens: Annotated[int | None, typer.Option("--context", min=1, help="Tokens that it can read.")] = None
    output_tokens: Annotated[int | None, typer.Option("--output", min=1, help="Tokens that it can write.")] = None
    capability: Annotated[
        list[str] | None, typer.Option("--capability", help="What it can beyond text; may be repeated.")
    ] = None
    thinking: Annotated[
        Literal["enabled", "disabled"] | None, typer.Option("--thinking", help="Where the caller does not say.")
    ] = None


@models.command("add")
@with_options(ModelOptions)
def add(context: typer.Context, name: Name, options: ModelOptions, as_json: AsJson = False) -> None:
    """Add a model, or a further deployment of one; a running Setaria knows it within a second."""
    from setaria.management.models import add_model

    names = {
        "alias": "aliases",
        "capability": "capabilities",
    }
    content: dict[str, object] = {"id": name} | given_settings(options, names)
    content.pop("local", None)
    place = {key: content.pop(key) for key in _DEPLOYMENT if key in content}
    if options.local is not None:
        content = _describe_folder(Path(options.local), place) | content
    elif options.upstream is None:
        raise typer.BadParameter(
            "name the upstream that serves the model, or a folder with --local", param_hint="--upstream"
        )
    content["deployments"] = [{"model": name} | place]
    if options.local is None and options.upstream == LOCAL:
        from setaria.bootstrap.model_folder import need_local_model

        need_local_model(str(place.get("model", name)))
    with books_to_change(context) as books:
        entry = add_model(books.catalog, books.clock, books.fixed, content)
    if as_json:
        print_json(_shape_one(context, entry.id))
        return
    where = entry.deployments[-1]
    typer.echo(f"The model {name} is served by {where.upstream} as {where.model}.")
    typer.echo(f"Try it: setaria models test {name}")


@models.command("list")
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """List the models that callers may name."""
    from setaria.bootstrap.catalog import assemble_catalog
    from setaria.management.shapes import shape_model

    with books_to_read(context) as books:
        assembled = assemble_catalog(settings_of(context, {}), books.catalog.read_added())
    shapes = [shape_model(model, books.fixed) for model in assembled.models]
    for problem in assembled.problems:
        typer.echo(f"setaria: {problem}", err=True)
    if as_json:
        print_json(shapes)
        return
    lists = [(", ".join(each.aliases), ", ".join(each.capabilities), ", ".join(each.upstreams)) for each in shapes]
    rows = (
        (each.id, aliases, each.context_tokens, each.output_tokens, capabilities, upstreams, each.source)
        for each, (aliases, capabilities, upstreams) in zip(shapes, lists, strict=True)
    )
    print_table(("ID", "ALIASES", "CONTEXT", "OUTPUT", "CAPABILITIES", "UPSTREAMS", "SOURCE"), rows)


@models.command("test")
def try_one(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Make a real call at each of a model's upstreams, and say what is wrong and how to mend it."""
    from setaria.bootstrap.catalog import build_catalog
    from setaria.bootstrap.trial import try_model

    settings = settings_of(context, {})
    with books_to_read(context) as books:
        catalog = build_catalog(settings, books.catalog.read_added())
    print_findings(try_model(settings, catalog, name), as_json=as_json)


@models.command("remove")
def remove(
    context: typer.Context,
    name: Name,
    upstream: Annotated[str | None, typer.Option("--upstream", help="Only take it away from this upstream.")] = None,
) -> None:
    """Remove a model that was added by command, or some of its deployments; calls under way finish."""
    from setaria.management.models import remove_deployments, remove_model

    with books_to_change(context) as books:
        if upstream is None:
            remove_model(books.catalog, books.fixed, name)
        else:
            remove_deployments(books.catalog, books.fixed, name, upstream)
    typer.echo(f"The model {name} is removed{f' from {upstream}' if upstream else ''}.")


def _describe_folder(folder: Path, place: dict[str, object]) -> dict[str, object]:
    """Describe a model in a folder, and put it on the built-in engine."""
    from setaria.bootstrap.model_folder import describe_model_folder

    if place:
        option = next(iter(place)).replace("_", "-")
        raise typer.BadParameter(f"--{option} says nothing about a folder; leave it out", param_hint="--local")
    path = folder.absolute()
    settings = describe_model_folder(path)
    place.update(upstream=LOCAL, model=str(path))
    return settings


def _shape_one(context: typer.Context, model_id: str) -> "ModelShape":
    from setaria.bootstrap.catalog import assemble_catalog
    from setaria.management.shapes import shape_model

    with books_to_read(context) as books:
        assembled = assemble_catalog(settings_of(context, {}), books.catalog.read_added())
    return next(shape_model(model, books.fixed) for model in assembled.models if model.id == model_id)

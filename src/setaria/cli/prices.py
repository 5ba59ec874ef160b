"""Prices: the commands about what calls cost."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from setaria.cli.accounts import AsJson
from setaria.cli.options import reading, with_options
from setaria.cli.output import print_json, print_table
from setaria.cli.place import books_to_change, books_to_read, settings_of
from setaria.core.entry_reading import hint
from setaria.core.errors import NotFound
from setaria.core.price_entries import PriceFile
from setaria.core.protocol import Lane

if TYPE_CHECKING:
    from setaria.management.price_shapes import PriceChangesShape, TariffShape

prices = typer.Typer(no_args_is_help=True, help="Say what calls and plans cost.", rich_markup_mode=None)

File = Annotated[Path, typer.Argument(metavar="FILE", help="A TOML file; docs/examples/prices.toml is one.")]


@prices.command("import")
def take(
    context: typer.Context,
    file: File,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take prices and plans over from a file, as a whole or not at all."""
    from setaria.bootstrap.catalog import assemble_catalog
    from setaria.config import LocatedPrices
    from setaria.management.price_import import compare_prices, import_prices
    from setaria.management.price_shapes import shape_price_changes

    located, settings = LocatedPrices(file), settings_of(context, {})
    with books_to_read(context) if dry_run else books_to_change(context) as books, located.located():
        models = assemble_catalog(settings, books.catalog.read_added()).models
        now_ms = books.clock.now_ms()
        known = books.prices.read_prices()
        changes = compare_prices(books.prices, books.offers, now_ms, located.content, models)
        if not dry_run:
            import_prices(books.prices, books.offers, books.clock, changes)
    shape = shape_price_changes(changes, known, now_ms, dry_run=dry_run)
    for warning in shape.warnings:
        typer.echo(f"setaria: {warning}", err=True)
    if as_json:
        print_json(shape)
    else:
        _print_changes(shape)


@prices.command("list")
def show(
    context: typer.Context,
    model: Annotated[str | None, typer.Option("--model", metavar="ID", help="Only this model's.")] = None,
    as_json: AsJson = False,
) -> None:
    """List prices and the rates of plans, in all versions."""
    from setaria.management.price_shapes import shape_tariffs

    with books_to_read(context) as books:
        shapes = shape_tariffs(books.prices.read_prices(), books.clock.now_ms())
    if model is not None:
        known = {each.model for each in shapes}
        shapes = [each for each in shapes if each.model == model]
        if not shapes:
            raise NotFound(f"the model {model[:100]!r} has no price{hint(model, known)}")
    if as_json:
        print_json(shapes)
    elif not shapes:
        typer.echo("No prices yet; import some: setaria prices import FILE")
    else:
        columns = ("ID", "MODEL", "FROM", "STATE", "UNIT", "INPUT", "CACHED", "WRITE", "OUTPUT", "FACTORS")
        print_table(columns, [_row(each) for each in shapes])


class SimulateOptions(NamedTuple):
    """What is said on the command line about calls that are to be priced."""

    model: Annotated[str | None, typer.Option("--model", metavar="ID", help="Price one call of this model.")] = None
    input_tokens: Annotated[int, typer.Option("--input", min=0, help="Its uncached input tokens.")] = 0
    cached_tokens: Annotated[int, typer.Option("--cached", min=0, help="Its input tokens from the cache.")] = 0
    write_tokens: Annotated[int, typer.Option("--cache-write", min=0, help="Its tokens written to the cache.")] = 0
    output_tokens: Annotated[int, typer.Option("--output", min=0, help="Its output tokens.")] = 0
    audio_seconds: Annotated[int, typer.Option("--audio", min=0, help="Its seconds of sound.")] = 0
    searches: Annotated[int, typer.Option("--searches", min=0, help="Its searches of the web.")] = 0
    at: Annotated[str | None, typer.Option("--at", metavar="WHEN", help="When it begins; now by default.")] = None
    lane: Annotated[Lane, typer.Option("--lane", help="Paid from a balance, or from a plan.")] = "payg"
    begin: Annotated[
        str | None, typer.Option("--from", metavar="WHEN", help="Without --model: price the calls made since.")
    ] = None
    end: Annotated[str | None, typer.Option("--to", metavar="WHEN", help="And until then.")] = None
    account: Annotated[str | None, typer.Option("--account", metavar="ID", help="Only this account's calls.")] = None
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="By this file, in place of what was imported.")
    ] = None


@prices.command("simulate")
@with_options(SimulateOptions)
def simulate(context: typer.Context, options: SimulateOptions, as_json: AsJson = False) -> None:
    """Tell what a call would cost, or what calls of the past would have cost; nothing is changed."""
    from setaria.core.usage import Usage
    from setaria.management.moments import read_moment
    from setaria.management.price_shapes import shape_simulated_call
    from setaria.management.price_simulation import choose_tariffs, simulate_call

    if options.model is None:
        _simulate_past(context, options, as_json=as_json)
        return
    with books_to_read(context) as books:
        tariffs = choose_tariffs(books.prices, books.clock, books.fixed.built_in, _read(options.file))
        with reading():
            at_ms = books.clock.now_ms() if options.at is None else read_moment(options.at, "at")
    usage = Usage(
        options.input_tokens,
        options.cached_tokens,
        options.write_tokens,
        options.output_tokens,
        audio_seconds=options.audio_seconds,
        searches=options.searches,
    )
    call = simulate_call(tariffs, options.lane, options.model, usage, at_ms)
    shape = shape_simulated_call(call, options.lane, tariffs.currency)
    if as_json:
        print_json(shape)
    else:
        factors = f"factors {shape.tier_factor} for length, {shape.time_factor} for time"
        typer.echo(f"{shape.amount} {shape.currency} ({shape.model}, {factors})")


def _simulate_past(context: typer.Context, options: SimulateOptions, *, as_json: bool) -> None:
    from setaria.management.accounts import find_account
    from setaria.management.price_shapes import shape_simulated_row
    from setaria.management.price_simulation import choose_tariffs, simulate_calls
    from setaria.management.usage import read_period

    with books_to_read(context) as books:
        with reading():
            period = read_period(options.begin, options.end, books.clock.now_ms())
        account_id = None if options.account is None else find_account(books.accounts, options.account).id
        tariffs = choose_tariffs(books.prices, books.clock, books.fixed.built_in, _read(options.file))
        rows = simulate_calls(tariffs, books.calls.iterate_calls(period.from_ms, period.to_ms, account_id))
    shapes = [shape_simulated_row(row, tariffs.currency) for row in rows]
    if as_json:
        print_json(shapes)
    elif not shapes:
        typer.echo(
            "No calls in this time; --from and --to choose another one, --model prices a call that was not made."
        )
    else:
        columns = ("MODEL", "LANE", "CALLS", "WITHOUT PRICE", "CHARGED", "WOULD BE")
        lines = [
            (each.id, each.lane, each.calls, each.unpriced, each.charged, f"{each.simulated} {each.currency}")
            for each in shapes
        ]
        print_table(columns, lines)


def _read(file: Path | None) -> PriceFile | None:
    from setaria.config import LocatedPrices

    return None if file is None else LocatedPrices(file).content


def _print_changes(shape: "PriceChangesShape") -> None:
    verb = "Would be changed" if shape.dry_run else "Changed"
    lines = [f"price of {each.model} from {each.begin}" for each in shape.prices]
    lines += [f"rate of {each.model} for plans" for each in shape.plan_rates]
    lines += [f"plan {each.id}: {each.price} {each.currency} for {each.credits} credits" for each in shape.plans]
    lines += [f"plan {each.id}: no longer sold" for each in shape.withdrawn]
    if shape.off_peak is not None:
        lines.append(f"off-peak {shape.off_peak.begin} to {shape.off_peak.end}: x {shape.off_peak.factor}")
    for line in lines:
        typer.echo(f"  {line}")
    typer.echo(f"{verb}: {len(lines)}. As before: {shape.unchanged}.")


def _row(shape: "TariffShape") -> tuple[str, ...]:
    factors = [] if shape.audio_per_hour == "0" else [f"sound {shape.audio_per_hour} an hour"]
    factors += [f"x {each.factor} above {each.above_input_tokens}" for each in shape.tiers]
    factors += [f"x {each.factor} {each.begin}-{each.end} {each.zone}" for each in shape.time_of_day]
    classes = (shape.input, shape.cached_input, shape.cache_write, shape.output)
    return (shape.id, shape.model, shape.begin, shape.state, shape.unit, *classes, ", ".join(factors))

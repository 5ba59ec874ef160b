"""Limits: the commands about what an account may do in a minute and at once."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from setaria.cli.accounts import AccountName, AsJson
from setaria.cli.options import with_options
from setaria.cli.output import print_json, print_table
from setaria.cli.place import books_to_change, books_to_read

if TYPE_CHECKING:
    from setaria.management.money_shapes import LimitsShape

limits = typer.Typer(no_args_is_help=True, help="Limit what accounts may do.", rich_markup_mode=None)

Model = Annotated[str | None, typer.Option("--model", help="Only on this model.")]


class LimitOptions(NamedTuple):
    """The limits that are given on the command line."""

    rpm: Annotated[int | None, typer.Option("--rpm", min=1, help="Requests a minute.")] = None
    tpm: Annotated[int | None, typer.Option("--tpm", min=1, help="Tokens a minute.")] = None
    in_flight: Annotated[int | None, typer.Option("--in-flight", min=1, help="Calls at once.")] = None


@limits.command("set")
@with_options(LimitOptions)
def set_some(
    context: typer.Context,
    account: AccountName,
    options: LimitOptions,
    model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Set limits of an account, on every model or on one; what is not given stays as it is."""
    from setaria.management.accounts import set_limits
    from setaria.management.key_rules import find_model_id
    from setaria.management.money_shapes import shape_limits

    given = {name: value for name, value in options._asdict().items() if value is not None}
    if not given:
        raise typer.BadParameter("give at least one of --rpm, --tpm and --in-flight", param_hint="--rpm")
    with books_to_change(context) as books:
        model_id = None if model is None else find_model_id(books.catalog, books.fixed, model, "model")
        changed = set_limits(books.accounts, account, model_id, given)
    _print_limits(shape_limits(changed), as_json=as_json)


@limits.command("reset")
def reset(context: typer.Context, account: AccountName, model: Model = None, as_json: AsJson = False) -> None:
    """Give an account the limits that every account has; or, on one model, those that it has on every model."""
    from setaria.management.accounts import find_account, reset_limits
    from setaria.management.key_rules import find_model_id
    from setaria.management.money_shapes import shape_limits

    with books_to_change(context) as books:
        # What is limited may be a model that was removed: then its name is that of the limits.
        if model is not None and model not in find_account(books.accounts, account).limits.models:
            model = find_model_id(books.catalog, books.fixed, model, "model")
        changed = reset_limits(books.accounts, account, model)
    _print_limits(shape_limits(changed), as_json=as_json)


@limits.command("lift")
def lift(context: typer.Context, account: AccountName, as_json: AsJson = False) -> None:
    """Take all limits off an account."""
    from setaria.management.accounts import lift_limits
    from setaria.management.money_shapes import shape_limits

    with books_to_change(context) as books:
        changed = lift_limits(books.accounts, account)
    _print_limits(shape_limits(changed), as_json=as_json)


@limits.command("show")
def show(context: typer.Context, account: AccountName, as_json: AsJson = False) -> None:
    """Show the limits of an account."""
    from setaria.management.accounts import find_account
    from setaria.management.money_shapes import shape_limits

    with books_to_read(context) as books:
        found = find_account(books.accounts, account)
    _print_limits(shape_limits(found), as_json=as_json)


def _print_limits(shapes: "list[LimitsShape]", *, as_json: bool) -> None:
    if as_json:
        print_json(shapes)
    else:
        rows = [(one.id, *(each or "none" for each in (one.rpm, one.tpm, one.in_flight))) for one in shapes]
        print_table(("MODEL", "REQUESTS/MIN", "TOKENS/MIN", "AT ONCE"), rows)

"""Plans: the commands about token plans."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from setaria.cli.accounts import AccountName, AsJson
from setaria.cli.options import with_options
from setaria.cli.output import print_json, print_table
from setaria.cli.place import books_to_change, books_to_read, desk_of
from setaria.core.price_entries import Period

if TYPE_CHECKING:
    from setaria.management.plan_shapes import PlanShape, SubscriptionShape

plans = typer.Typer(no_args_is_help=True, help="Sell token plans and look at them.", rich_markup_mode=None)

_ALERTS = 10

Tier = Annotated[str, typer.Argument(metavar="TIER", help="A plan that `setaria plans list` shows.")]


class BuyOptions(NamedTuple):
    """What is said about a purchase on the command line."""

    period: Annotated[Period | None, typer.Option("--period", help="For how long; a month by default.")] = None
    free: Annotated[bool, typer.Option("--free/--from-balance", help="Charge nothing, or the account's cash.")] = False


class RenewOptions(NamedTuple):
    """What is said about a renewal on the command line."""

    free: Annotated[bool, typer.Option("--free/--from-balance", help="Charge nothing, or the account's cash.")] = False
    now: Annotated[bool, typer.Option("--now", help="Begin at once; what is left of the old term is lost.")] = False
    auto: Annotated[bool, typer.Option("--auto", help="Not now, but by itself whenever it ends.")] = False


@plans.command("list")
def show_offers(context: typer.Context, as_json: AsJson = False) -> None:
    """List the plans that are sold; they come from `setaria prices import`."""
    from setaria.management.price_shapes import shape_offer

    with books_to_read(context) as books:
        currency = books.prices.read_prices().currency
        shapes = [shape_offer(offer, currency) for offer in books.offers.read_offers()]
    if as_json:
        print_json(shapes)
    elif not shapes:
        typer.echo("No plans yet; import some: setaria prices import FILE")
    else:
        rows = [
            (
                each.tier,
                each.period,
                each.name,
                f"{each.price} {each.currency}",
                each.credits,
                ", ".join(f"{one.credits} per {one.length} ({one.kind})" for one in each.windows),
                ", ".join(each.models) or "all",
            )
            for each in shapes
        ]
        print_table(("TIER", "PERIOD", "NAME", "PRICE", "CREDITS", "WINDOWS", "MODELS"), rows)


@plans.command("show")
def show(context: typer.Context, account: AccountName, as_json: AsJson = False) -> None:
    """Show an account's plan, with what is left of it."""
    from setaria.core.errors import NotFound
    from setaria.management.plan_shapes import shape_plan
    from setaria.management.plan_statement import show_plan

    with books_to_read(context) as books:
        statement = show_plan(books, account)
        if statement is None:
            raise NotFound(f"the account {account} has no plan; buy one: setaria plans subscribe {account} TIER")
        shape = shape_plan(statement, books.alerts.list_alerts(statement.subscription.account_id, _ALERTS))
    if as_json:
        print_json(shape)
    else:
        _print_plan(shape)


@plans.command("subscribe")
@with_options(BuyOptions)
def subscribe(
    context: typer.Context, account: AccountName, tier: Tier, options: BuyOptions, as_json: AsJson = False
) -> None:
    """Buy a plan for an account, valid from now on, and show its key, this once."""
    from setaria.management.plan_shapes import shape_bought
    from setaria.management.plans import subscribe as buy
    from setaria.management.recall import with_leases_home

    with desk_of(context) as desk:
        (bought, key), currency = with_leases_home(
            desk.begin,
            desk.clock,
            account,
            lambda books: (
                buy(books, account, tier, options.period or "month", "free" if options.free else "balance"),
                books.prices.read_prices().currency,
            ),
        )
    _print_bought(shape_bought(bought, currency, key), as_json=as_json)


@plans.command("upgrade")
@with_options(BuyOptions)
def upgrade(
    context: typer.Context, account: AccountName, tier: Tier, options: BuyOptions, as_json: AsJson = False
) -> None:
    """Change an account's plan to a higher one, now; what is left of the old one counts towards its price."""
    from setaria.management.plan_shapes import shape_bought
    from setaria.management.plans import upgrade_plan
    from setaria.management.recall import with_leases_home

    with desk_of(context) as desk:
        bought, currency = with_leases_home(
            desk.begin,
            desk.clock,
            account,
            lambda books: (
                upgrade_plan(books, account, tier, options.period, "free" if options.free else "balance"),
                books.prices.read_prices().currency,
            ),
        )
    _print_bought(shape_bought(bought, currency), as_json=as_json)


@plans.command("renew")
@with_options(RenewOptions)
def renew(context: typer.Context, account: AccountName, options: RenewOptions, as_json: AsJson = False) -> None:
    """Buy an account's plan for another term, which begins when the one that holds is over."""
    from setaria.management.plan_shapes import shape_bought, shape_subscription
    from setaria.management.plans import renew_plan, restart_plan, set_renewal
    from setaria.management.recall import with_leases_home

    if options.auto:
        if options.free or options.now:
            raise typer.BadParameter(
                "it pays from the balance and when the time comes; leave out the rest", param_hint="--auto"
            )
        with books_to_change(context) as books:
            held, currency = set_renewal(books, account, renews=True), books.prices.read_prices().currency
        _print_bought(shape_subscription(held, currency), as_json=as_json)
        return
    act = restart_plan if options.now else renew_plan
    with desk_of(context) as desk:
        bought, currency = with_leases_home(
            desk.begin,
            desk.clock,
            account,
            lambda books: (
                act(books, account, "free" if options.free else "balance"),
                books.prices.read_prices().currency,
            ),
        )
    _print_bought(shape_bought(bought, currency), as_json=as_json)


@plans.command("cancel")
def cancel(
    context: typer.Context,
    account: AccountName,
    now: Annotated[bool, typer.Option("--now", help="End it at once; nothing is paid back.")] = False,
    as_json: AsJson = False,
) -> None:
    """Renew an account's plan no more; it runs on to its end."""
    from setaria.management.plan_shapes import shape_subscription
    from setaria.management.plans import end_plan, set_renewal
    from setaria.management.recall import with_leases_home

    if now:
        with desk_of(context) as desk:
            held, currency = with_leases_home(
                desk.begin,
                desk.clock,
                account,
                lambda books: (end_plan(books, account), books.prices.read_prices().currency),
            )
    else:
        with books_to_change(context) as books:
            held, currency = set_renewal(books, account, renews=False), books.prices.read_prices().currency
    shape = shape_subscription(held, currency)
    if as_json:
        print_json(shape)
    else:
        typer.echo(f"The plan {shape.tier} of {shape.account} {'has ended' if now else f'ends at {shape.ends_at}'}.")


@plans.command("reset-key")
def reset_key(context: typer.Context, account: AccountName, as_json: AsJson = False) -> None:
    """Make a new key for an account's plan and show it, this once; the old one is worth nothing from now on."""
    from setaria.management.plans import reset_key as reset
    from setaria.management.shapes import shape_new_key

    with books_to_change(context) as books:
        key, text = reset(books, account)
    if as_json:
        print_json(shape_new_key(key, text))
    else:
        _print_key(key.id, text)


def _print_bought(shape: "SubscriptionShape", *, as_json: bool) -> None:
    if as_json:
        print_json(shape)
        return
    if shape.key is not None and shape.key_id is not None:
        _print_key(shape.key_id, shape.key)
    typer.echo(f"The account {shape.account} has the plan {shape.tier} until {shape.ends_at}.")
    if shape.paid != "0.00":
        typer.echo(f"Paid from its balance: {shape.paid} {shape.currency}.")
    if shape.compensation != "0":
        typer.echo(f"Added for what the old plan was worth: {shape.compensation} credits.")
    if shape.auto_renew:
        typer.echo("It is renewed from the balance when it ends.")


def _print_key(key_id: str, text: str) -> None:
    typer.echo(f"{text}\n")
    typer.echo(f"This is key {key_id}, the plan's only one. It is shown this once: keep it in a safe place.")


def _print_plan(shape: "PlanShape") -> None:
    ends = "it is renewed then" if shape.auto_renew else "it is not renewed by itself"
    typer.echo(f"{shape.name} ({shape.tier}, a {shape.period}), {shape.state}, to {shape.ends_at}; {ends}.")
    typer.echo(f"Its key ends in {shape.key_last4}." if shape.key_last4 else "It has no key.")
    rows = [
        (each.name, each.used, each.limit, f"{each.percent} %", each.resets_at or "at the next call")
        for each in (shape.credits, *shape.windows)
    ]
    print_table(("CREDITS", "USED", "OF", "SHARE", "UNTIL"), rows)
    for alert in shape.alerts:
        typer.echo(f"{alert.at}  {alert.message}")

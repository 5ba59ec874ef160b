"""Imports of prices and plans: what changes, what stays, and what is refused."""

import datetime
from pathlib import Path

import pytest

from setaria.config import LocatedPrices
from setaria.core.entry_reading import EntryFault
from setaria.core.price_entries import PlanEntry, PriceEntry, PriceFile, RateEntry, TimesEntry, WindowEntry
from setaria.core.windows import WindowTimes
from setaria.domain.ledger.tariff import Tariffs, Times
from setaria.domain.plans.offers import Window
from setaria.management.price_import import PriceChanges, compare_prices, import_prices
from tests.fakes.clock import FakeClock
from tests.fakes.platform import SEEDLING
from tests.fakes.price_book import FakePriceBook

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "prices.toml"
DAY_MS = 86_400_000


def at(day: int) -> datetime.datetime:
    """Give a moment, days after the fake clock's first."""
    return datetime.datetime.fromtimestamp(FakeClock().now_ms() / 1000, datetime.UTC) + datetime.timedelta(days=day)


def price(day: int, amount: str = "1", model: str = "seedling") -> PriceEntry:
    """Write a price that begins on a day."""
    return PriceEntry(model=model, begin=at(day), input=amount, output="2")


def take(book: FakePriceBook, file: PriceFile, clock: FakeClock | None = None) -> PriceChanges:
    """Import a file."""
    clock = clock or FakeClock()
    changes = compare_prices(book, book, clock.now_ms(), file, [SEEDLING])
    import_prices(book, book, clock, changes)
    return changes


def test_the_example_is_taken_over_and_again_changes_nothing() -> None:
    """Three prices, two rates with the off-peak in them, eight plans; a second import leaves all of it alone."""
    book, file = FakePriceBook(), LocatedPrices(EXAMPLE).content
    first = take(book, file)
    listed = book.read_prices()
    assert (
        len(listed.prices), len(listed.rates), len(book.read_offers()), first.unchanged, listed.search_nano,
    ) == (3, 2, 8, 0, 5_000_000_000)  # fmt: skip
    assert {rate.times for rate in listed.rates} == {(Times(960, 1440, 800_000),)}
    assert (
        listed.rates[0].input, listed.rates[0].cached_input, listed.rates[0].cache_write, listed.rates[0].output,
    ) == (300_000_000_000, 2_500_000_000, 0, 600_000_000_000)  # fmt: skip
    before = book.changes
    assert PriceChanges(unchanged=13, warnings=first.warnings) == take(book, file)
    assert (before, listed) == (book.changes, book.read_prices())


def test_classes_that_are_not_given_cost_as_much_as_input() -> None:
    """What nobody thought of is never free."""
    book = FakePriceBook()
    take(book, PriceFile(prices=(price(0),), plan_rates={"seedling": RateEntry(input="3", output="6")}))
    found = book.read_prices()
    assert {10**9} == {found.prices[0].cached_input, found.prices[0].cache_write}
    assert {3 * 10**9} == {found.rates[0].cached_input, found.rates[0].cache_write}


@pytest.mark.parametrize(
    "file, problem",
    [
        pytest.param(price(-5, "3"), "already has another price from .* on, which has begun", id="the same beginning"),
        pytest.param(price(-6), "already has a price that begins later", id="before all"),
        pytest.param(price(3), "already has a price that begins later", id="between the one in force and the next"),
    ],
)
def test_a_version_that_overlaps_is_refused(file: PriceEntry, problem: str) -> None:
    """What has begun is never changed, and nothing comes before what is there."""
    book = FakePriceBook()
    take(book, PriceFile(prices=(price(-5), price(5))))
    before = book.read_prices()
    with pytest.raises(EntryFault, match=problem) as caught:
        take(book, PriceFile(prices=(price(9, model="other"), file)))
    assert (("prices", 1, "from"), before) == (caught.value.path, book.read_prices())


def test_a_version_that_has_not_begun_is_replaced() -> None:
    """A price of the future may be mended until its day comes."""
    book = FakePriceBook()
    take(book, PriceFile(prices=(price(-5), price(5))))
    take(book, PriceFile(prices=(price(5, "3"),)))
    assert [each.input for each in book.read_prices().prices] == [10**9, 3 * 10**9]


def test_a_beginning_in_the_past_is_doubted_where_another_price_is_in_force() -> None:
    """It is taken over, and said what that means; a first price may begin whenever it likes."""
    book = FakePriceBook()
    assert take(book, PriceFile(prices=(price(-5),))).warnings == ()
    (warning,) = take(book, PriceFile(prices=(price(-1, "3"),))).warnings
    assert "begins in the past" in warning


def test_models_that_are_not_there_are_doubted() -> None:
    """They may come later; an alias never will."""
    plan = PlanEntry(tier="a", name="A", price="1", credits=1, models=("seedlin",))
    file = PriceFile(prices=(price(0, model="org/seedling"), price(0)), plans=(plan,))
    assert take(FakePriceBook(), file).warnings == (
        "org/seedling is another name of seedling; prices count for the id, so this one has no effect",
        "there is no model seedlin yet; did you mean seedling?",
    )


def test_the_currency_stays_once_there_are_prices() -> None:
    """Amounts in two currencies could not be told apart."""
    book = FakePriceBook()
    take(book, PriceFile(currency="CNY"))
    take(book, PriceFile(currency="EUR", prices=(price(0),)))
    with pytest.raises(EntryFault, match="counts in EUR and has prices in it; USD can't take its place"):
        take(book, PriceFile(currency="USD"))
    assert book.read_prices().currency == "EUR"


def test_a_rate_begins_when_it_is_imported() -> None:
    """Calls from then on are charged by it, those before as before; a new off-peak makes a version of every rate."""
    book, clock = FakePriceBook(), FakeClock()
    take(book, PriceFile(plan_rates={"seedling": RateEntry(input="3", output="6")}), clock)
    first_ms = clock.now_ms()
    clock.advance(60)
    off_peak = TimesEntry(begin="16:00", end="24:00", factor="0.8")
    changes = take(book, PriceFile(off_peak=off_peak), clock)
    assert (Times(960, 1440, 800_000), 1) == (changes.off_peak, len(changes.versions))
    tariffs = Tariffs()
    tariffs.renew(book.read_prices())
    old, new = (tariffs.rate_of("seedling", moment) for moment in (first_ms, clock.now_ms()))
    assert ((), (Times(960, 1440, 800_000),)) == (old and old.times, new and new.times)


def test_two_imports_at_the_same_moment_leave_one_rate() -> None:
    """The later takes the place of the earlier, for both would begin at once."""
    book = FakePriceBook()
    take(book, PriceFile(plan_rates={"seedling": RateEntry(input="3", output="6")}))
    take(book, PriceFile(plan_rates={"seedling": RateEntry(input="4", output="6")}))
    assert [each.input for each in book.read_prices().rates] == [4 * 10**9]


def test_a_file_with_plans_names_all_of_them() -> None:
    """A plan that is not in it is no longer sold; a file without plans leaves them alone."""
    book = FakePriceBook()
    window = WindowEntry(length="5h", kind="rolling", credits=4)
    one = PlanEntry(tier="a", name="A", price="1.5", credits=1, windows=(window,), rpm=5, models=("seedling",))
    take(book, PriceFile(plans=(one, PlanEntry(tier="b", name="B", price="2", credits=2))))
    take(book, PriceFile(prices=(price(0),)))
    assert [offer.tier for offer in book.read_offers()] == ["a", "b"]
    changes = take(book, PriceFile(plans=(one,)))
    (offer,) = book.read_offers()
    assert (["b"], 1, (Window(WindowTimes("5h", "rolling"), 4000),)) == (
        [each.tier for each in changes.withdrawn], changes.unchanged, offer.windows,
    )  # fmt: skip
    assert (offer.price_nano, offer.credits, offer.rpm, offer.models) == (1_500_000_000, 1000, 5, ("seedling",))

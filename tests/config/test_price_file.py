"""Price file: what is wrong in it is told with its line."""

from pathlib import Path

import pytest

from setaria.config import ConfigError, LocatedPrices
from setaria.core.entry_reading import EntryFault
from setaria.core.price_entries import PriceFile, TimesEntry
from setaria.core.price_reading import minute_from_text, scale_decimal

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "prices.toml"
FINE_RATE = '[plan_rates.a]\ninput = "1"\noutput = "1"\naudio_per_hour = "0.0001"\n'
PRICE = '[[prices]]\nmodel = "pro"\nfrom = 2026-05-27T00:00:00Z\ninput = "1"\noutput = "2"\n'
PLAN = '[[plans]]\ntier = "lite"\nname = "Lite"\nprice = "6"\ncredits = 100\n'
RATE = '[plan_rates."pro"]\ninput = "3"\noutput = "6"\n'
OFF_PEAK = '[off_peak]\nfrom = "16:00"\nto = "24:00"\nfactor = "0.8"\n'


def read(folder: Path, text: str) -> LocatedPrices:
    """Write a file and read it."""
    (folder / "p.toml").write_text(text, "utf-8")
    return LocatedPrices(folder / "p.toml")


def test_the_example_is_read_whole() -> None:
    """The file that is shipped has all prices, plans and rates, and classes keep their exact digits."""
    file = LocatedPrices(EXAMPLE).content
    assert (
        len(file.prices), len(file.plans), len(file.plan_rates), file.currency, file.search_per_1000,
    ) == (3, 8, 2, "USD", "5")  # fmt: skip
    assert (
        file.prices[0].input, file.prices[0].cached_input, file.prices[0].cache_write, file.prices[0].output,
    ) == ("0.435", "0.0036", "0", "0.87")  # fmt: skip
    assert [(plan.tier, plan.period) for plan in file.plans[3:5]] == [("max", "month"), ("lite", "year")]


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    """What is absent stays as it is."""
    assert read(tmp_path, "# nothing\n").content == PriceFile()


def test_everything_that_may_be_said(tmp_path: Path) -> None:
    """Tiers, times of day and windows of both kinds are read."""
    times = 'time_of_day = [{ from = "22:00", to = "06:00", factor = "0.5", zone = "Europe/Berlin" }, '
    times += '{ from = "06:00", to = "12:00", factor = "0.9", zone = "Europe/Berlin" }]\n'
    tiers = 'tiers = [{ above_input_tokens = 1000, factor = "2" }, { above_input_tokens = 2000, factor = "3" }]\n'
    windows = 'windows = [{ length = "5h", kind = "rolling", credits = 5 }, '
    windows += '{ length = "30d", kind = "rolling", credits = 7 }, '
    windows += '{ length = "5h", kind = "calendar", credits = 5 }, '
    windows += (
        '{ length = "week", kind = "calendar", zone = "Asia/Shanghai", credits = 9 }]\nmodels = ["pro"]\nrpm = 5\n'
    )
    file = read(tmp_path, PRICE + tiers + times + PLAN + windows + RATE + OFF_PEAK).content
    assert tuple(map(len, (file.prices[0].tiers, file.prices[0].time_of_day, file.plans[0].windows))) == (2, 2, 4)
    assert file.off_peak == TimesEntry(begin="16:00", end="24:00", factor="0.8")


@pytest.mark.parametrize(
    "text, line, problem",
    [
        pytest.param("prices = 3\n", 1, "prices must be tables that begin with [[prices]] each", id="no tables"),
        pytest.param("plan_rates = 3\n", 1, "plan_rates must be tables that begin with", id="no table of rates"),
        pytest.param("off_peak = 3\n", 1, "off_peak must be a table", id="no table"),
        pytest.param("[[prices]]\n[[plan]]\n", 2, "plan is nothing that prices have; did you mean plans?", id="table"),
        pytest.param(
            'currency = "usd"\n', 1, "file.currency can't be 'usd'; allowed: the three capitals", id="currency"
        ),
        pytest.param(PRICE + 'imput = "3"\n', 6, "imput is no setting of prices; did you mean input?", id="key"),
        pytest.param(PRICE + "audio_per_hour = 1\n", 6, "prices.audio_per_hour can't be 1; allowed: a", id="audio"),
        pytest.param(FINE_RATE, 4, "plan_rates.audio_per_hour can't be '0.0001'; allowed: a number", id="rate"),
        pytest.param(
            PRICE.replace('"1"', '"-1"'), 4, "prices.input can't be '-1'; allowed: a decimal number", id="minus"
        ),
        pytest.param(
            PRICE.replace('"1"', "1.5"), 4, "prices.input can't be 1.5; allowed: a decimal number in", id="float"
        ),
        pytest.param(PRICE.replace('"1"', '"1e3"'), 4, "prices.input can't be '1e3'", id="exponent"),
        pytest.param(PRICE.replace('"1"', '"0.0000000001"'), 4, "can't be '0.0000000001'", id="too fine"),
        pytest.param(
            PRICE.replace("2026", "1969"), 3, "prices.from can't be 1969-05-27T00:00:00+00:00", id="too early"
        ),
        pytest.param(
            PRICE.replace("2026-05-27T00:00:00Z", "9999-12-31T23:00:00-05:00"),
            3,
            "prices.from can't be 9999-12-31T23:00:00-05:00; allowed: 1970-01-01 to 9999-12-30",
            id="too late",
        ),
        pytest.param(PRICE.replace("T00:00:00Z", ""), 3, "allowed: a moment with its zone", id="a day"),
        pytest.param(PRICE.replace("00Z", "00"), 3, "allowed: a moment with its zone", id="no zone"),
        pytest.param(PRICE.replace('output = "2"\n', ""), 1, "prices lacks output", id="no output"),
        pytest.param(
            PRICE + PRICE, 6, "there are two versions of pro from 2026-05-27T00:00:00Z on; remove one", id="two"
        ),
        pytest.param(
            PRICE + PRICE.replace("00:00:00Z", "02:00:00+02:00"), 6, "there are two versions of pro from", id="zones"
        ),
        pytest.param(
            PRICE + 'tiers = [{ above_input_tokens = 9, factor = "2" }, { above_input_tokens = 9, factor = "3" }]\n',
            6,
            "there are two tiers above 9 input tokens; remove one",
            id="two tiers",
        ),
        pytest.param(
            PRICE + 'time_of_day = [{ from = "08:00", to = "08:00", factor = "2" }]\n', 6, "are empty", id="no minute"
        ),
        pytest.param(
            PRICE + 'time_of_day = [{ from = "8:00", to = "09:00", factor = "2" }]\n',
            6,
            "a time of day in quotes",
            id="form",
        ),
        pytest.param(
            PRICE + 'time_of_day = [{ from = "08:00", to = "10:00", factor = "2" }, '
            '{ from = "23:00", to = "08:01", factor = "2" }]\n',
            6,
            "the times from 23:00 to 08:01 overlap with others",
            id="overlapping times",
        ),
        pytest.param(
            PRICE + 'time_of_day = [{ from = "08:00", to = "10:00", factor = "2" }, '
            '{ from = "10:00", to = "11:00", zone = "Asia/Tokyo", factor = "2" }]\n',
            6,
            "times of day in two zones, UTC and Asia/Tokyo",
            id="two zones",
        ),
        pytest.param(OFF_PEAK + 'zone = "Mars"\n', 1, "'Mars' is no time zone", id="zone"),
        pytest.param(PLAN.replace("100", "0"), 5, "plans.credits can't be 0", id="no credits"),
        pytest.param(PLAN + 'period = "week"\n', 6, "plans.period can't be 'week'; allowed: month, year", id="period"),
        pytest.param(PLAN + PLAN, 6, "there are two plans lite for a month; remove one", id="two plans"),
        pytest.param(
            PLAN + 'windows = [{ length = "5h", kind = "rolling", zone = "UTC", credits = 1 }]\n',
            6,
            "a rolling window opens at a call and has no zone; remove it",
            id="zone of a rolling window",
        ),
        pytest.param(
            PLAN + 'windows = [{ length = "24h", kind = "calendar", credits = 1 }]\n', 6, "can't last 24h", id="hours"
        ),
        pytest.param(
            PLAN + 'windows = [{ length = "2d", kind = "calendar", credits = 1 }]\n', 6, "can't last 2d", id="days"
        ),
        pytest.param(
            PLAN + 'windows = [{ length = "day", kind = "calendar", zone = "X", credits = 1 }]\n',
            6,
            "'X' is no",
            id="X",
        ),
        pytest.param(
            PLAN + 'windows = [{ length = "day", kind = "rolling", credits = 1 }, '
            '{ length = "day", kind = "rolling", credits = 1 }]\n',
            6,
            "the plan lite has this window twice",
            id="window twice",
        ),
        pytest.param('[plan_rates."a b"]\ninput = "1"\noutput = "1"\n', 1, "'a b' is no id of a model", id="model"),
        pytest.param(RATE + 'inputs = "1"\n', 4, "inputs is no setting of plan_rates; did you mean input?", id="rate"),
        pytest.param("a = \n", 1, "this is not TOML", id="no TOML"),
    ],
)
def test_a_fault_is_told_with_its_line(text: str, line: int, problem: str, tmp_path: Path) -> None:
    """File, line, what is wrong and what is allowed; nothing else is read then."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    place, _, message = str(caught.value).partition(": ")
    assert f"{tmp_path / 'p.toml'}:{line}" == place
    assert problem in message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The name is in the message."""
    with pytest.raises(ConfigError, match=r"none\.toml can't be read"):
        LocatedPrices(tmp_path / "none.toml")


def test_what_is_found_later_gets_its_line_too(tmp_path: Path) -> None:
    """A fault that only the database shows is told at the entry's place."""
    located = read(tmp_path, PLAN + PRICE)

    def compare() -> None:
        raise EntryFault(("prices", 0, "from"), "too early")

    with pytest.raises(ConfigError, match=r"p\.toml:8: too early"), located.located():
        compare()


def test_numbers_are_read_exactly() -> None:
    """No digit is lost."""
    assert [scale_decimal(text, 9) for text in ("2.5", "0.000000001", "999999999.999999999")] == [
        2_500_000_000, 1, 999_999_999_999_999_999,
    ]  # fmt: skip
    assert [minute_from_text(text) for text in ("00:00", "16:30", "24:00")] == [0, 990, 1440]

"""What calls cost, in worked numbers."""

import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setaria.core.usage import Usage
from setaria.domain.ledger.tariff import PriceList, Tariff, Tariffs, Tier, Times, charge, is_free

PRO = Tariff("price_1", "pro", 0, input=435_000_000, cached_input=3_600_000, cache_write=1_000_000, output=870_000_000)
RATE = Tariff("rate_1", "pro", 0, input=300_000_000_000, cached_input=2_500_000_000, output=600_000_000_000)
HEARD = msgspec.structs.replace(PRO, audio_hour=74_000_000, search_nano=5_000_000_000)
TINY = Tariff("", "", 0, input=300_000, audio_hour=720, search_nano=100)
OFF_PEAK = Times(16 * 60, 24 * 60, 800_000)
LONG = (Tier(200_000, 1_500_000), Tier(100_000, 1_200_000))


def at(text: str) -> int:
    """Give a moment that is written in ISO 8601."""
    return int(datetime.datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    "tariff, usage, expected",
    [
        pytest.param(PRO, Usage(), 0, id="nothing"),
        pytest.param(PRO, Usage(input_tokens=1_000, cached_input_tokens=500, output_tokens=200), 610_800, id="classes"),
        pytest.param(PRO, Usage(cache_write_tokens=7), 7, id="written to the cache"),
        pytest.param(PRO, Usage(output_tokens=10, reasoning_tokens=9), 8_700, id="reasoning is a part of the output"),
        pytest.param(RATE, Usage(1, 1, 0, 1), 902_500, id="plan: 300 + 2.5 + 600 credits, in milli-credits"),
        pytest.param(HEARD, Usage(1_000, audio_seconds=90), 435_000 + 1_850_000, id="sound, to the second"),
        pytest.param(HEARD, Usage(searches=3), 15_000_000, id="searches"),
        pytest.param(HEARD, Usage(1_000, 0, 0, 0, 0, 90, 3), 435_000 + 1_850_000 + 15_000_000, id="all of it"),
        pytest.param(PRO, Usage(1_000, audio_seconds=90, searches=3), 435_000, id="sound and searches without a price"),
        pytest.param(TINY, Usage(1, audio_seconds=1, searches=1), 1, id="once over all: 0.3 + 0.2 + 0.1"),
        pytest.param(Tariff("", "", 0, audio_hour=30_000_000_000), Usage(audio_seconds=1), 8_333_333, id="of a plan"),
        pytest.param(Tariff("", "", 0, input=499_999), Usage(1), 0, id="under a half"),
        pytest.param(Tariff("", "", 0, input=500_000), Usage(1), 1, id="a half is rounded up"),
        pytest.param(Tariff("", "", 0, input=500_000), Usage(3), 2, id="once, at the total: 1.5 and not 3 x 1"),
        pytest.param(
            Tariff("", "", 0, input=300_000, output=300_000), Usage(1, 0, 0, 1), 1, id="once over classes: 0.3 + 0.3"
        ),
    ],
)
def test_a_call_costs(tariff: Tariff, usage: Usage, expected: int) -> None:
    """Each class of tokens at its price, together rounded half up."""
    assert expected == charge(tariff, usage, 0)


@pytest.mark.parametrize(
    "usage, expected",
    [
        pytest.param(Usage(100_000), 100_000_000, id="at the bound"),
        pytest.param(Usage(100_001), 120_001_200, id="just above: the whole call"),
        pytest.param(Usage(50_000, 40_000, 10_001), 60_000_000, id="all input classes count: 50,000 x 1,000 x 1.2"),
        pytest.param(Usage(200_001), 300_001_500, id="the highest tier that is exceeded"),
        pytest.param(Usage(0, 0, 0, 500_000), 0, id="output does not count"),
    ],
)
def test_long_inputs_cost_more(usage: Usage, expected: int) -> None:
    """The tier is chosen by all input tokens and counts for the whole call, in whatever order tiers are given."""
    assert expected == charge(Tariff("", "", 0, input=1_000_000_000, tiers=LONG), usage, 0)


def test_factors_are_for_what_the_model_does() -> None:
    """Tokens and sound cost the factor, searches do not."""
    tariff = msgspec.structs.replace(HEARD, times=(OFF_PEAK,), tiers=(Tier(10, 2_000_000),))
    usage = Usage(1_000, audio_seconds=90, searches=3)
    assert charge(tariff, usage, at("2026-11-25T16:00:00+00:00")) == (435_000 + 1_850_000) * 2 * 8 // 10 + 15_000_000


def test_a_price_knows_what_searches_cost() -> None:
    """All versions of prices do, none of the rates of plans: a plan's credits are for the model."""
    tariffs = Tariffs()
    tariffs.renew(PriceList(prices=(PRO,), rates=(RATE,), search_nano=5))
    found = [tariffs.price_of("pro", 1), tariffs.rate_of("pro", 1), tariffs.find_version("price_1")]
    assert [each and each.search_nano for each in found] == [5, 0, 5]


def test_sound_alone_is_not_free() -> None:
    """A model that is paid by the hour alone is paid."""
    assert [is_free(Tariff("", "", 0, audio_hour=1)), is_free(Tariff("", "", 0))] == [False, True]
    assert not is_free(Tariff("", "", 0, search_nano=1))


@pytest.mark.parametrize(
    "times, moment, expected",
    [
        pytest.param(OFF_PEAK, "2026-11-25T15:59:59.999+00:00", 1000, id="a moment before off-peak"),
        pytest.param(OFF_PEAK, "2026-11-25T16:00:00+00:00", 800, id="its first moment"),
        pytest.param(OFF_PEAK, "2026-11-25T23:59:59.999+00:00", 800, id="its last moment"),
        pytest.param(OFF_PEAK, "2026-11-26T00:00:00+00:00", 1000, id="midnight is over"),
        pytest.param(OFF_PEAK, "2028-02-29T20:00:00+00:00", 800, id="a leap day"),
        pytest.param(Times(0, 480, 500_000, "Asia/Shanghai"), "2026-11-25T16:00:00+00:00", 500, id="a zone ahead"),
        pytest.param(Times(0, 480, 500_000, "Asia/Shanghai"), "2026-11-26T00:00:00+00:00", 1000, id="and its end"),
        pytest.param(Times(1320, 360, 500_000), "2026-11-25T22:00:00+00:00", 500, id="over midnight, before"),
        pytest.param(Times(1320, 360, 500_000), "2026-11-25T05:59:00+00:00", 500, id="over midnight, after"),
        pytest.param(Times(1320, 360, 500_000), "2026-11-25T06:00:00+00:00", 1000, id="over midnight, out of it"),
        # Berlin: the clock goes from 2:00 to 3:00 on 29 March 2026 at 1:00 UTC, back on 25 October.
        pytest.param(Times(180, 240, 500_000, "Europe/Berlin"), "2026-03-29T00:59:59+00:00", 1000, id="before spring"),
        pytest.param(Times(180, 240, 500_000, "Europe/Berlin"), "2026-03-29T01:00:00+00:00", 500, id="spring forward"),
        pytest.param(Times(120, 180, 500_000, "Europe/Berlin"), "2026-03-29T01:30:00+00:00", 1000, id="no such hour"),
        pytest.param(Times(120, 180, 500_000, "Europe/Berlin"), "2026-10-25T00:30:00+00:00", 500, id="the hour once"),
        pytest.param(Times(120, 180, 500_000, "Europe/Berlin"), "2026-10-25T01:30:00+00:00", 500, id="the hour again"),
    ],
)
def test_the_time_of_day_changes_what_a_call_costs(times: Times, moment: str, expected: int) -> None:
    """The minute in the zone of the times decides, at which the call began."""
    assert expected == charge(Tariff("", "", 0, input=1_000_000, times=(times,)), Usage(1000), at(moment))


def test_of_several_times_the_first_counts() -> None:
    """Factors are not multiplied with each other, but with that of the length."""
    tariff = Tariff("", "", 0, input=1_000_000, tiers=LONG, times=(OFF_PEAK, Times(0, 1440, 100_000)))
    assert charge(tariff, Usage(1000), at("2026-11-25T20:00:00+00:00")) == 800
    assert charge(tariff, Usage(1000), at("2026-11-25T10:00:00+00:00")) == 100
    assert charge(tariff, Usage(100_001), at("2026-11-25T20:00:00+00:00")) == 96_001  # 100,001 x 1.2 x 0.8 = 96,000.96


@given(st.lists(st.integers(0, 10**7), min_size=4, max_size=4), st.integers(0, 10**12), st.integers(0, 2 * 10**6))
def test_a_charge_is_never_half_a_unit_off(tokens: list[int], price: int, factor: int) -> None:
    """What is charged differs from the exact amount by half a unit at most."""
    tariff = Tariff("", "", 0, price, price, price, price, (Tier(0, factor),))
    exact = sum(tokens) * price * (factor if sum(tokens[:3]) else 1_000_000)
    charged = charge(tariff, Usage(*tokens), 0)
    assert -(10**12) <= 2 * (exact - charged * 10**12) < 10**12 + 1


def test_the_version_that_holds_is_found() -> None:
    """A version holds from its moment until the next one; before the first, and for other models, there is none."""
    old, new = Tariff("price_1", "pro", 100), Tariff("price_2", "pro", 200)
    tariffs = Tariffs()
    tariffs.renew(PriceList("CNY", (new, old), (Tariff("rate_1", "pro", 150),)))
    assert [None, old, old, new] == [tariffs.price_of("pro", moment) for moment in (99, 100, 199, 200)]
    assert tariffs.price_of("other", 200) is None
    rate = tariffs.rate_of("pro", 150)
    assert (tariffs.rate_of("pro", 149), rate and rate.id, tariffs.currency) == (None, "rate_1", "CNY")


def test_the_built_in_model_is_free_until_it_has_a_price() -> None:
    """It costs nothing on both lanes without any import, and its price from the moment of one on."""
    tariffs = Tariffs(("seedling",))
    free = tariffs.price_of("seedling", 0)
    assert free is not None
    assert (0, free) == (charge(free, Usage(9, 9, 9, 9), 0), tariffs.rate_of("seedling", 0))
    price = Tariff("price_1", "seedling", 100, input=5)
    tariffs.renew(PriceList(prices=(price,)))
    assert [free, price] == [tariffs.price_of("seedling", moment) for moment in (99, 100)]

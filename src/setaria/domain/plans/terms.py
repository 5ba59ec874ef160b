"""Terms: the times that a subscription is paid for, by the calendar.

A term is valid to the end of its last day (UTC): bought on 28 March it ends with 28 April. Renewed terms keep the day
of the month on which the first one began: 31 January, 28 February, 31 March.
"""

import calendar
import datetime

import msgspec

from setaria.core.zones import UTC, local_time
from setaria.domain.plans.offers import Offer

_MONTHS_OF_YEAR = 12


class Term(msgspec.Struct, frozen=True):
    """One time that is paid for; `ends_at_ms` is its first moment no more.

    `value_nano` is what its credits are worth when it is upgraded: its price, 0 where it was given away.
    """

    offer: Offer
    starts_at_ms: int
    ends_at_ms: int
    value_nano: int


def first_end_ms(starts_at_ms: int, months: int) -> int:
    """Tell when a term ends that begins at any moment of a day.

    Worked: from 28 March 10:15, a month: 29 April 0:00, which is the end of 28 April.
    """
    day = local_time(starts_at_ms, UTC).date()
    return _end_of_ms(_months_later(day, months, day.day))


def next_end_ms(end_ms: int, months: int, anchor_day: int) -> int:
    """Tell when a term ends that follows on another one.

    Takes: end_ms, when the other one ends; anchor_day, the day of the month that is kept.
    Worked: after 28 February, anchor 31, a month: the end of 31 March.
    """
    last = local_time(end_ms - 1, UTC).date()
    return _end_of_ms(_months_later(last, months, anchor_day))


def anchor_day_of(starts_at_ms: int) -> int:
    """Tell the day of the month on which a term begins (UTC)."""
    return local_time(starts_at_ms, UTC).day


def _months_later(day: datetime.date, months: int, anchor_day: int) -> datetime.date:
    years, month = divmod(day.month - 1 + months, _MONTHS_OF_YEAR)
    year = day.year + years
    return datetime.date(year, month + 1, min(anchor_day, calendar.monthrange(year, month + 1)[1]))


def _end_of_ms(day: datetime.date) -> int:
    after = day + datetime.timedelta(days=1)
    return round(datetime.datetime.combine(after, datetime.time(), datetime.UTC).timestamp()) * 1000

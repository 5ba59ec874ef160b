"""Subscription rows: subscriptions as the data plane's stores and the control plane read them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from setaria.domain.plans.subscriptions import Subscription
from setaria.domain.plans.terms import Term

ENDED = "ended"
BOUGHT = "bought"
COLUMNS = ("id", "account_id", "anchor_day", "terms", "renews", "created_at_ms", "status")
FIND_SUBSCRIPTION = """
    SELECT id, account_id, anchor_day, terms, renews, created_at_ms, status FROM subscriptions WHERE id =
"""
"""What is left to be said is how the engine writes the id's place."""

_read_terms = msgspec.json.Decoder(tuple[Term, ...]).decode


def subscription_from_row(row: Sequence[Any]) -> Subscription:  # what SQL gives has no types
    """Make the subscription of a row of `COLUMNS`."""
    subscription_id, account_id, anchor_day, terms, renews, created_at_ms, status = row
    return Subscription(
        subscription_id, account_id, anchor_day, _read_terms(terms), bool(renews), created_at_ms, status == ENDED
    )

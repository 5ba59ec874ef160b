"""Record books: what management's actions take, made of one transaction's tables."""

from typing import NamedTuple

from setaria.adapters.store.control.store import Books as StoredBooks
from setaria.core.clock import Clock
from setaria.core.secrets import SecretRing
from setaria.domain.accounts.ports import AccountBook, KeyBook
from setaria.domain.catalog.added import Fixed
from setaria.domain.catalog.ports import CatalogBook
from setaria.domain.ledger.ports import CallBook, CodeBook, OverBook, PriceBook, ProofBook, PurseBook, RecallBook
from setaria.domain.plans.ports import AlertBook, OfferBook, SubscriptionBook


class Books(NamedTuple):
    """What management's actions take, within one transaction."""

    accounts: AccountBook
    keys: KeyBook
    purses: PurseBook
    over: OverBook
    recalls: RecallBook
    codes: CodeBook
    calls: CallBook
    catalog: CatalogBook
    prices: PriceBook
    offers: OfferBook
    subscriptions: SubscriptionBook
    alerts: AlertBook
    proof: ProofBook
    fixed: Fixed
    clock: Clock
    ring: SecretRing


def make_books(tables: StoredBooks, fixed: Fixed, clock: Clock, ring: SecretRing) -> Books:
    """Make the books of one transaction's tables, which are all in one."""
    return Books(
        accounts=tables,
        keys=tables,
        purses=tables,
        over=tables,
        recalls=tables,
        codes=tables,
        calls=tables,
        catalog=tables,
        prices=tables,
        offers=tables,
        subscriptions=tables,
        alerts=tables,
        proof=tables,
        fixed=fixed,
        clock=clock,
        ring=ring,
    )

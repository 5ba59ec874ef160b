"""Money: what people do with the purses of accounts."""

from collections.abc import Callable

import msgspec
import pytest

from setaria.core.errors import InvalidRequest, NotFound, SetariaError, Unavailable
from setaria.domain.accounts.records import Account, Billing, Limits, ModelLimits
from setaria.domain.ledger.allowances import Allowance
from setaria.domain.ledger.purses import RECALL_LIFE_MS, Held
from setaria.domain.plans.offers import Offer
from setaria.management.accounts import (
    create_account,
    lift_limits,
    reset_limits,
    resume_account,
    set_limits,
    suspend_account,
)
from setaria.management.closing import close_account
from setaria.management.codes import create_codes, list_codes, redeem_code
from setaria.management.entries import Payment
from setaria.management.installation import add_default_account
from setaria.management.keys import create_key
from setaria.management.money_shapes import shape_limits
from setaria.management.plans import find_plan, subscribe
from setaria.management.purses import adjust, give, list_entries, refund, show_account, top_up
from setaria.management.recall import PATIENCE_S, with_calls_drained, with_leases_home
from tests.fakes.plan_books import FakePlanBooks

DAY_MS = 86_400_000


@pytest.fixture
def books() -> FakePlanBooks:
    """Give books with the account `ann`, which has 20 in cash of which 8 are spent."""
    made = FakePlanBooks()
    make_account(made, "ann")
    top_up(made, "ann", Payment(20))
    spend(made, 8)
    return made


def make_account(books: FakePlanBooks, name: str, billing: Billing = "prepaid") -> Account:
    """Make an account."""
    return create_account(books.accounts, books.purses, books.clock, name, f"{name}@example.org", billing)


def cash_of(books: FakePlanBooks, account: str = "ann") -> Allowance:
    """Give an account's cash."""
    return show_account(books, account).purses[0].allowance


def spend(books: FakePlanBooks, amount: int, debt: int = 0) -> None:
    """Let calls take so much of Ann's cash, and so much beyond it."""
    cash = cash_of(books)
    books.purses.change_allowance(
        msgspec.structs.replace(
            cash, available=cash.available - amount, spent=cash.spent + amount + debt, debt=cash.debt + debt
        )
    )


def test_a_new_account_has_an_empty_purse() -> None:
    """Its cash is there from the first moment; its address is kept."""
    books = FakePlanBooks()
    account = create_account(books.accounts, books.purses, books.clock, "ann", " ann@example.org ")
    assert (account.email, account.billing) == ("ann@example.org", "prepaid")
    assert (cash_of(books).kind, cash_of(books).available) == ("cash", 0)


@pytest.mark.parametrize("email", ["ann", "ann@", "@b.org", "a b@b.org", "a@b@c", f"a@{'b' * 260}", "a@\x1b"])
def test_an_address_that_can_t_be_one_is_refused(email: str) -> None:
    """Nothing is made."""
    books = FakePlanBooks()
    with pytest.raises(InvalidRequest, match="is no e-mail address"):
        create_account(books.accounts, books.purses, books.clock, "ann", email)
    assert (books.accounts.list_accounts(), books.purses.allowances) == ([], {})


def test_a_top_up_leaves_an_entry(books: FakePlanBooks) -> None:
    """Cash grows, and the ledger says by whom and why."""
    entry = top_up(books, "ann", Payment(5, " invoice 7 "))
    assert (cash_of(books).available, cash_of(books).granted) == (17, 25)
    assert (entry.kind, entry.amount, entry.actor, entry.reason) == ("topup", 5, "operator", "invoice 7")
    assert [row.entry for row in list_entries(books, "ann", 10)] == [entry, books.purses.entries[0]]


def test_a_top_up_pays_the_debt(books: FakePlanBooks) -> None:
    """Calls had taken 3 more than there was: of 5 paid in, 2 can be spent."""
    spend(books, 12, 3)
    assert show_account(books, "ann").balance.available_nano == -3
    top_up(books, "ann", Payment(5))
    assert (cash_of(books).available, cash_of(books).debt) == (2, 0)


def test_a_gift_is_a_purse_of_its_own(books: FakePlanBooks) -> None:
    """It has the entry that gave it in its scope, and ends."""
    entry = give(books, "ann", Payment(7, "welcome"), books.clock.now_ms() + DAY_MS)
    statement = show_account(books, "ann")
    assert (statement.balance.cash_nano, statement.balance.gift_nano) == (12, 7)
    gift = next(purse.allowance for purse in statement.purses if purse.allowance.kind == "gift")
    assert (gift.scope, gift.granted, entry.allowance_id, entry.kind) == (entry.id, 7, gift.id, "gift")
    books.clock.advance(DAY_MS / 1000)
    assert show_account(books, "ann").balance.gift_nano == 0


def test_an_adjustment_goes_both_ways(books: FakePlanBooks) -> None:
    """Up without end, down to nothing."""
    adjust(books, "ann", Payment(3, "typing error"))
    entry = adjust(books, "ann", Payment(-15, "typing error"))
    assert (cash_of(books).available, cash_of(books).granted) == (0, 8)
    assert (entry.kind, entry.amount) == ("adjust", -15)


def test_a_postpaid_account_may_be_adjusted_below_nothing() -> None:
    """What it owes is asked for later."""
    books = FakePlanBooks()
    make_account(books, "bob", "postpaid")
    adjust(books, "bob", Payment(-15, "setup fee"))
    assert cash_of(books, "bob").available == -15


def test_what_was_paid_and_not_spent_is_refunded(books: FakePlanBooks) -> None:
    """Of 20 paid in 8 are spent: 12 can go back, in parts, and no more."""
    entry = refund(books, "ann", Payment(10, "asked for"))
    assert (entry.kind, entry.amount, cash_of(books).available) == ("refund", -10, 2)
    with pytest.raises(InvalidRequest, match=r"at most 0\.000000002 USD can be refunded"):
        refund(books, "ann", Payment(3))
    refund(books, "ann", Payment(2))
    assert cash_of(books).available == 0


def test_a_code_is_never_refunded() -> None:
    """What a redeem code brought can be spent, not paid out."""
    books = FakePlanBooks()
    make_account(books, "ann")
    ((_, text),) = create_codes(books, 30, 1, None)
    redeem_code(books, "ann", text)
    with pytest.raises(InvalidRequest, match=r"at most 0\.00 USD"):
        refund(books, "ann", Payment(1))


REFUSED: list[tuple[Callable[[FakePlanBooks], object], type[SetariaError], str]] = [
    (lambda books: top_up(books, "ann", Payment(0)), InvalidRequest, "it must be above 0"),
    (lambda books: top_up(books, "ann", Payment(-1)), InvalidRequest, "it must be above 0"),
    (lambda books: give(books, "ann", Payment(0), None), InvalidRequest, "it must be above 0"),
    (lambda books: refund(books, "ann", Payment(-1)), InvalidRequest, "it must be above 0"),
    (lambda books: refund(books, "ann", Payment(13)), InvalidRequest, "at most"),
    (lambda books: adjust(books, "ann", Payment(0, "x")), InvalidRequest, "it must be above 0"),
    (lambda books: adjust(books, "ann", Payment(1, " ")), InvalidRequest, "needs a reason"),
    (lambda books: adjust(books, "ann", Payment(-13, "x")), InvalidRequest, "can't be adjusted by -"),
    (lambda books: top_up(books, "ann", Payment(1, "a\nb")), InvalidRequest, "printable"),
    (lambda books: top_up(books, "ann", Payment(1, "a" * 201)), InvalidRequest, "up to 200"),
    (lambda books: top_up(books, "bob", Payment(1)), NotFound, "no account 'bob'"),
    (lambda books: list_entries(books, "ann", 0), InvalidRequest, "allowed: 1 to 10000"),
    (lambda books: create_codes(books, 0, 1, None), InvalidRequest, "it must be above 0"),
    (lambda books: create_codes(books, 1, 0, None), InvalidRequest, "count is 0"),
    (lambda books: redeem_code(books, "ann", "1" * 20), NotFound, "no such redeem code"),
    (lambda books: redeem_code(books, "ann", "hello"), NotFound, "no such redeem code"),
]


@pytest.mark.parametrize("act, kind, why", REFUSED)
def test_bad_input_changes_nothing(
    books: FakePlanBooks, act: Callable[[FakePlanBooks], object], kind: type[SetariaError], why: str
) -> None:
    """The refusal says why; purses, entries and codes stay as they were."""
    before = (dict(books.purses.allowances), list(books.purses.entries), dict(books.codes.codes))
    with pytest.raises(kind, match=why):
        act(books)
    assert before == (books.purses.allowances, books.purses.entries, books.codes.codes)


def test_a_code_is_redeemed_once(books: FakePlanBooks) -> None:
    """The first gets the amount, with the code named in the ledger; the second is told."""
    ((code, text), _) = create_codes(books, 30, 2, books.clock.now_ms() + DAY_MS)
    entry = redeem_code(books, "ann", text.lower())
    assert (entry.kind, entry.actor, entry.reference, cash_of(books).available) == ("redeem", "code", code.id, 42)
    with pytest.raises(InvalidRequest, match="was used before"):
        redeem_code(books, "ann", text)
    assert [each.redeemed_by for each in list_codes(books, code.batch)] == [entry.account_id, None]
    with pytest.raises(NotFound, match="there is no batch 'batch_x' of codes"):
        list_codes(books, "batch_x")
    assert cash_of(books).available == 42


def test_a_code_is_good_until_its_end(books: FakePlanBooks) -> None:
    """Afterwards the refusal says until when it was."""
    ((_, text),) = create_codes(books, 30, 1, books.clock.now_ms() + DAY_MS)
    books.clock.advance(DAY_MS / 1000)
    with pytest.raises(InvalidRequest, match=r"could be used until 2026-11-23T23:59:59\.999Z"):
        redeem_code(books, "ann", text)
    assert cash_of(books).available == 12


def test_an_action_waits_for_leases(books: FakePlanBooks) -> None:
    """It is done when nothing is held any more, and the recall ends with it."""
    books.recalls.held = [Held(2, 3), Held(1, 0), Held(0, 0)]
    found = with_leases_home(books.begin, books.clock, "ann", lambda each: refund(each, "ann", Payment(1)))
    assert (found.amount, books.recalls.recalls, len(books.clock.slept)) == (-1, {}, 2)


@pytest.mark.parametrize(
    "held, why", [(Held(2, 3), "3 calls of the account"), (Held(1, 0), "1 workers still hold money of")]
)
def test_an_action_waits_in_vain(books: FakePlanBooks, held: Held, why: str) -> None:
    """After five seconds it is refused with why, nothing was changed, and calls go on."""
    books.recalls.held = [held]
    began_s = books.clock.monotonic_s()
    with pytest.raises(Unavailable, match=why):
        with_leases_home(books.begin, books.clock, "ann", lambda each: refund(each, "ann", Payment(1)))
    assert (cash_of(books).available, books.recalls.recalls) == (12, {})
    assert PATIENCE_S <= books.clock.monotonic_s() - began_s < PATIENCE_S + 1


def test_an_action_does_not_wait_for_the_dead(books: FakePlanBooks) -> None:
    """Workers that were not seen for a minute are given up when the patience ends, and the action is done."""
    books.recalls.held, books.recalls.dead = [Held(2, 3)], True
    found = with_calls_drained(books.begin, books.clock, "ann", lambda each: refund(each, "ann", Payment(1)))
    assert (found.amount, books.recalls.recalls) == (-1, {})


def test_a_closing_waits_for_calls(books: FakePlanBooks) -> None:
    """Also for those that hold no money, as those of a postpaid account; an action on money alone does not."""
    make_account(books, "bob", "postpaid")
    books.recalls.held = [Held(1, 1), Held(0, 1), Held(0, 0)]
    with_calls_drained(books.begin_alerts, books.clock, "bob", lambda each: close_account(each, "bob"))
    assert len(books.clock.slept) == 2
    books.recalls.held = [Held(0, 1)]
    with pytest.raises(Unavailable, match="1 calls of the account"):
        with_calls_drained(books.begin_alerts, books.clock, "ann", lambda each: close_account(each, "ann"))
    with_leases_home(books.begin, books.clock, "ann", lambda each: refund(each, "ann", Payment(1)))


def test_a_refused_action_ends_its_recall(books: FakePlanBooks) -> None:
    """Calls of the account go on."""
    with pytest.raises(InvalidRequest, match="at most"):
        with_leases_home(books.begin, books.clock, "ann", lambda each: refund(each, "ann", Payment(99)))
    assert books.recalls.recalls == {}


def test_two_actions_never_call_home_at_once(books: FakePlanBooks) -> None:
    """The second is refused and leaves the first alone; one whose beginner has died is forgotten."""
    account = show_account(books, "ann").account.id
    books.recalls.begin_recall(account)
    with pytest.raises(InvalidRequest, match="another action"):
        with_leases_home(books.begin, books.clock, "ann", lambda each: refund(each, "ann", Payment(1)))
    assert [*books.recalls.recalls] == [account]
    books.clock.advance(RECALL_LIFE_MS / 1000 + 1)
    with_leases_home(books.begin, books.clock, "ann", lambda each: refund(each, "ann", Payment(1)))
    assert cash_of(books).available == 11


def test_an_account_is_closed(books: FakePlanBooks) -> None:
    """Keys are revoked, purses emptied with an entry each, personal data gone; the ledger says what goes back."""
    give(books, "ann", Payment(7), None)
    ((_, text),) = create_codes(books, 30, 1, None)
    redeem_code(books, "ann", text)
    key, _ = create_key(books, "ann", "Ann's laptop")
    account = show_account(books, "ann").account
    closed = close_account(books, "ann")
    assert (closed.account.name, closed.account.email, closed.account.status) == (account.id, "", "closed")
    assert closed.refund_nano == 20
    statement = show_account(books, account.id)
    assert statement.balance.available_nano == 0
    ends = sorted((row.allowance_kind, row.entry.amount) for row in list_entries(books, account.id, 2))
    assert ends == [("cash", -42), ("gift", -7)]
    assert "0.00000002 USD to be paid back" in " ".join(entry.reason for entry in books.purses.entries)
    (kept,) = books.keys.list_keys(account.id)
    assert (kept.id, kept.name, kept.revoked_at_ms) == (key.id, "", books.clock.now_ms())
    for act in (close_account, suspend_account_of, resume_account_of):
        with pytest.raises(InvalidRequest, match="is closed"):
            act(books, account.id)
    with pytest.raises(InvalidRequest, match="is closed"):
        top_up(books, account.id, Payment(1))


def suspend_account_of(books: FakePlanBooks, account: str) -> object:
    """Suspend an account."""
    return suspend_account(books.accounts, account)


def resume_account_of(books: FakePlanBooks, account: str) -> object:
    """Resume an account."""
    return resume_account(books.accounts, account)


def test_a_plan_ends_with_its_account(books: FakePlanBooks) -> None:
    """Its key is revoked, and what is left of its credits forfeited by an entry."""
    offer = Offer("lite", "Lite", 6, "month", 1_000)
    books.prices.put_offer(offer, 0)
    _, (key, _) = subscribe(books, "ann", "lite", "month", "free")
    account = close_account(books, "ann").account
    plan = find_plan(books, account.id)
    assert plan is not None
    assert plan.has_ended
    assert [row.entry.kind for row in list_entries(books, account.id, 10) if row.allowance_kind == "plan"] == [
        *["expire", "grant"]
    ]
    assert next(each for each in books.keys.list_keys(account.id) if each.id == key.id).revoked_at_ms is not None


def test_an_empty_account_is_closed_without_entries() -> None:
    """There is nothing to move; a key revoked before keeps its moment."""
    books = FakePlanBooks()
    make_account(books, "ann")
    key, _ = create_key(books, "ann", "laptop")
    books.keys.change_key(msgspec.structs.replace(key, revoked_at_ms=1))
    assert close_account(books, "ann").refund_nano == 0
    assert (books.purses.entries, books.keys.list_keys(None)[0].revoked_at_ms) == ([], 1)


def test_who_owes_money_can_t_be_closed(books: FakePlanBooks) -> None:
    """Neither in debt nor below nothing; nor is the operator's own account ever."""
    spend(books, 12, 3)
    with pytest.raises(InvalidRequest, match=r"owes 0\.000000003 USD"):
        close_account(books, "ann")
    make_account(books, "bob", "postpaid")
    adjust(books, "bob", Payment(-5, "fee"))
    with pytest.raises(InvalidRequest, match=r"owes 0\.000000005 USD"):
        close_account(books, "bob")
    add_default_account(books)
    with pytest.raises(InvalidRequest, match="operator's own"):
        close_account(books, "default")


def test_an_account_is_suspended_and_resumed(books: FakePlanBooks) -> None:
    """Each counts as a change once."""
    before = books.accounts.changes
    for _ in range(2):
        assert suspend_account(books.accounts, "ann").status == "suspended"
    for _ in range(2):
        assert resume_account(books.accounts, "ann").status == "active"
    assert books.accounts.changes == before + 2


def test_limits_are_set_one_by_one(books: FakePlanBooks) -> None:
    """What is not given stays; a model's own limits stand beside those of every model."""
    set_limits(books.accounts, "ann", None, {"rpm": 5})
    set_limits(books.accounts, "ann", None, {"tpm": 50})
    set_limits(books.accounts, "ann", "seedling", {"in_flight": 2})
    account = set_limits(books.accounts, "ann", "seedling", {"rpm": 1})
    expected = Limits(every=ModelLimits(5, 50), models={"seedling": ModelLimits(1, None, 2)})
    assert account.limits == expected
    shown = [(each.id, each.rpm, each.tpm, each.in_flight) for each in shape_limits(account)]
    assert shown == [("*", 5, 50, 16), ("seedling", 1, 50, 2)]


@pytest.mark.parametrize("limit", [0, -1, 10**12 + 1, 10**20])
@pytest.mark.parametrize("name", ["rpm", "tpm", "in_flight"])
def test_a_limit_that_the_books_could_not_keep_is_refused(books: FakePlanBooks, name: str, limit: int) -> None:
    """Nothing is changed."""
    with pytest.raises(InvalidRequest, match=f"{name} is {limit}; allowed: 1 to 1000000000000"):
        set_limits(books.accounts, "ann", None, {name: limit})
    assert show_account(books, "ann").account.limits == Limits()


def test_limits_are_reset_and_lifted(books: FakePlanBooks) -> None:
    """Back to the platform's, of one model or of all; or none at all, until some are set."""
    set_limits(books.accounts, "ann", None, {"rpm": 5})
    set_limits(books.accounts, "ann", "seedling", {"in_flight": 2})
    assert reset_limits(books.accounts, "ann", "seedling").limits == Limits(every=ModelLimits(rpm=5))
    assert reset_limits(books.accounts, "ann", "other").limits == Limits(every=ModelLimits(rpm=5))
    assert reset_limits(books.accounts, "ann", None).limits == Limits()
    lifted = lift_limits(books.accounts, "ann")
    assert (lifted.limits, shape_limits(lifted)[0].rpm) == (Limits(unlimited=True), None)
    assert set_limits(books.accounts, "ann", None, {"rpm": 1}).limits == Limits(every=ModelLimits(rpm=1))

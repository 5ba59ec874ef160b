"""Proof: every rule of the books is kept by good ones and finds the bad row."""

import msgspec
import pytest

from setaria.core.ids import AccountId
from setaria.domain.ledger.allowances import Allowance, AllowanceKind, Entry
from setaria.domain.ledger.proof import Books, ChargedCall, prove

ACCOUNT = AccountId("acct_1")
CASH = Allowance("al_cash", ACCOUNT, "cash", "", 0, available=60, granted=100, spent=30, debt=0)
PLAN = Allowance("al_plan", ACCOUNT, "plan", "sub_1", 0, available=700, granted=1_000, spent=300, debt=0)
WINDOW = Allowance("al_window", ACCOUNT, "window", "sub_1/0", 5, available=200, granted=500, spent=300, debt=0)
TOPUP = Entry("e1", 1, ACCOUNT, "al_cash", "topup", 100, "operator", "")
GRANT = Entry("e2", 1, ACCOUNT, "al_plan", "grant", 1_000, "operator", "")
CHECKPOINT = Entry("e3", 1, ACCOUNT, "al_cash", "checkpoint", 10, "system", "")
CALL = ChargedCall("c1", 2, ACCOUNT, "m", 20, 0, "al_cash:20")
PLAN_CALL = ChargedCall("c2", 2, ACCOUNT, "m", 0, 300, "al_plan:300 al_window:300")
GOOD = Books(
    allowances=(CASH, PLAN, WINDOW),
    leased={("al_cash", 0): 10},
    entries=(TOPUP, GRANT, CHECKPOINT),
    calls=(CALL, PLAN_CALL),
    prepaid=frozenset({ACCOUNT}),
)
change = msgspec.structs.replace


def test_good_books_are_proved() -> None:
    """Everything is looked at, and nothing found."""
    proof = prove(GOOD)
    assert (proof.allowances, proof.entries, proof.calls, proof.faults) == (3, 3, 2, ())


def test_debt_and_postpaid_accounts_are_no_faults() -> None:
    """Debt covers what was spent beyond what was granted; who pays later may stand below zero."""
    owing = change(CASH, available=0, spent=130, debt=40)
    calls = (change(CALL, charge_nano=120, charges="al_cash:120"), PLAN_CALL)
    assert prove(change(GOOD, allowances=(owing, PLAN, WINDOW), calls=calls)).faults == ()
    later = change(CASH, available=-40, spent=130)
    assert prove(change(GOOD, allowances=(later, PLAN, WINDOW), calls=calls, prepaid=frozenset())).faults == ()


@pytest.mark.parametrize("kind", ["cap", "rpm", "tpm", "in_flight"])
def test_a_limit_that_was_lowered_is_no_fault(kind: AllowanceKind) -> None:
    """What is used of it may be more than it grants now."""
    lowered = Allowance("al_limit", ACCOUNT, kind, "m", 0, available=-10, granted=60, spent=70, debt=0)
    assert prove(change(GOOD, allowances=(*GOOD.allowances, lowered))).faults == ()


@pytest.mark.parametrize(
    "books, found",
    [
        (change(GOOD, leased={}), {("al_cash", "sum")}),
        (change(GOOD, leased={("al_cash", 7): 10}), {("al_cash", "sum")}),
        (change(GOOD, leased={("al_cash", 0): 10, ("al_gone", 0): 5}), {("al_gone", "lease")}),
        (change(GOOD, leased={("al_cash", 0): 10, ("al_window", 4): -1}), {("al_window", "lease")}),
        (change(GOOD, entries=(TOPUP, CHECKPOINT)), {("al_plan", "granted")}),
        (change(GOOD, entries=(TOPUP, GRANT)), {("al_cash", "spent")}),
        (
            change(GOOD, entries=(TOPUP, GRANT, CHECKPOINT, change(TOPUP, id="e9", allowance_id="al_gone"))),
            {("e9", "entry")},
        ),
        (change(GOOD, calls=(PLAN_CALL,)), {("al_cash", "spent")}),
        (change(GOOD, calls=(CALL, CALL, PLAN_CALL)), {("al_cash", "spent")}),
        (change(GOOD, calls=(change(CALL, charge_nano=21), PLAN_CALL)), {("c1", "call")}),
        (change(GOOD, calls=(CALL, change(PLAN_CALL, charge_millicredits=0))), {("c2", "call")}),
        (
            change(GOOD, calls=(CALL, PLAN_CALL, change(CALL, id="c3", charge_nano=0, charges="al_gone:0"))),
            {("c3", "call")},
        ),
        (
            change(GOOD, allowances=(change(CASH, available=-40, spent=130), PLAN, WINDOW)),
            {("al_cash", "negative"), ("al_cash", "spent")},
        ),
        (
            change(GOOD, allowances=(change(CASH, available=59, debt=-1), PLAN, WINDOW)),
            {("al_cash", "negative")},
        ),
    ],
)
def test_every_rule_finds_its_row(books: Books, found: set[tuple[str, str]]) -> None:
    """A number that is off by one, or a row that is missing or there twice, is named with its rule."""
    assert {(fault.id, fault.rule) for fault in prove(books).faults} == found

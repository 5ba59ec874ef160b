"""Trade script: an exchange of leases between a worker and the books, as a transaction of either engine."""

from collections.abc import Sequence

import msgspec

from setaria.adapters.store.allowance_rows import (
    EVERY_SCOPE,
    SPAN_KINDS,
    Key,
    insert_allowance,
    lock_allowances,
    write_allowance,
)
from setaria.adapters.store.recall_rows import read_recalls, recalls_from_rows
from setaria.adapters.store.script import Dialect, Say, Script, places
from setaria.core.ids import AccountId, new_allowance_id
from setaria.core.windows import span_at
from setaria.domain.ledger.allowances import Allowance, AllowanceKind
from setaria.domain.ledger.leases import (
    MINUTE_KINDS,
    MONEY_KINDS,
    PAID_KINDS,
    Ask,
    GiveBack,
    Gone,
    Grant,
    Granted,
    Short,
    Trade,
    Traded,
    Want,
    book_return,
    lease_out,
    order_purses,
    period_of,
    renew_allowance,
    slice_amounts,
)

CALL_PERIOD = -1
"""A lease of this period, of 0, is a call for what others have of an allowance; it stands until the next trade."""

_Leases = dict[tuple[str, int], int]


def trade_leases(dialect: Dialect, worker_id: str, trade: Trade) -> Script[Traded | Gone]:
    """Take what comes back, then answer every ask; the same trade again only gives the same answers."""
    found = yield Say(
        f"SELECT trade, traded, {dialect.now_ms}, (SELECT COUNT(*) FROM recalls) FROM workers "
        f"WHERE id = $1{dialect.lock}",
        (worker_id,),
    )
    if not found:
        return Gone()
    number, traded, now_ms, recalls = found[0]
    if number == trade.number:
        return msgspec.json.decode(traded, type=Traded)
    yield Say("DELETE FROM leases WHERE worker_id = $1 AND period = $2", (worker_id, CALL_PERIOD))
    books = yield from _open_books(dialect, trade, now_ms)
    if recalls:
        books.recalled = recalls_from_rows((yield read_recalls(dialect)))
    yield from _take_returns(worker_id, trade.returns, books)
    leased: _Leases = {}
    answers: list[Granted | Short] = []
    for ask in trade.asks:
        answer = books.answer(ask, trade.workers, leased)
        if isinstance(answer, Short):
            elsewhere = yield from _call_for(worker_id, books.chain(ask[answer.want]))
            answer = msgspec.structs.replace(answer, elsewhere=elsewhere)
        answers.append(answer)
    result = Traded(tuple(answers))
    yield from _write_books(worker_id, books, leased)
    yield Say(
        "UPDATE workers SET trade = $2, traded = $3 WHERE id = $1",
        (worker_id, trade.number, msgspec.json.encode(result).decode()),
    )
    return result


class _Books:
    """The allowances that a trade is about, as they change."""

    def __init__(self, rows: dict[str, Allowance], now_ms: int) -> None:
        self.rows = rows
        self.changed: set[str] = set()
        self._ids: dict[Key, list[str]] = {}
        for row in rows.values():
            scope = EVERY_SCOPE if row.kind in MONEY_KINDS else row.scope
            self._ids.setdefault((row.account_id, row.kind, scope), []).append(row.id)
        self.begun: set[tuple[str, int]] = set()
        self.recalled: frozenset[AccountId] = frozenset()
        self._now_ms = now_ms
        self._shared: set[Key] = set()

    def put(self, row: Allowance) -> None:
        """Keep the new state of an allowance."""
        self.rows[row.id] = row
        self.changed.add(row.id)

    def begin_periods(self, ask: Ask) -> None:
        """Let the limits of an ask stand for the period that holds now."""
        for want in ask:
            if want.limit is None:
                continue
            for row in self.chain(want):
                period = period_of(want.kind, self._now_ms)
                renewed = renew_allowance(row, period, want.limit)
                if renewed != row:
                    self.put(renewed)
                if row.period < period:
                    self.begun.add((row.id, period))

    def chain(self, want: Want) -> list[Allowance]:
        """Give the allowances that pay for a want, the first ones first."""
        rows = [self.rows[each] for key in keys_of(want) for each in self._ids.get(key, ())]
        if want.kind == "money":
            return order_purses(rows, self._now_ms)
        if want.kind == "cap":
            return [row for row in rows if row.period == period_of("cap", self._now_ms)]
        if want.kind in SPAN_KINDS:
            # A window may have been opened a moment after this transaction began; only terms are paid ahead.
            return [
                row
                for row in rows
                if self._now_ms < (row.ends_at_ms or 0) and (row.period <= self._now_ms or want.kind == "window")
            ]
        return rows

    def answer(self, ask: Ask, workers: int, leased: _Leases) -> Granted | Short:
        """Lease out all that an ask needs, or nothing of it."""
        self.begin_periods(ask)
        takes: list[list[tuple[Allowance, int]]] = []
        for index, want in enumerate(ask):
            chain = self.chain(want)
            debt = sum(row.debt for row in chain if row.kind == "cash")
            is_held = bool(debt) or (want.account_id in self.recalled and want.kind in PAID_KINDS)
            sharers = None if is_held else self._sharers(want, workers)
            amounts = None if is_held and want.wish else slice_amounts(want, chain, sharers)
            if amounts is None:
                ends_at_ms = min((row.ends_at_ms for row in chain if row.ends_at_ms is not None), default=None)
                return Short(index, sum(max(row.available, 0) for row in chain), 0, debt, ends_at_ms)
            takes.append([*zip(chain, amounts, strict=True)])
        grants = []
        for want, taken in zip(ask, takes, strict=True):
            self._shared.add((want.account_id, want.kind, want.scope))
            grants.append(tuple(self._lease(row, amount, leased) for row, amount in taken))
        return Granted(tuple(grants))

    def _sharers(self, want: Want, workers: int) -> int | None:
        """Only the first ask of a trade gets a share: the calls beside it spend from that."""
        return None if (want.account_id, want.kind, want.scope) in self._shared else workers

    def _lease(self, row: Allowance, amount: int, leased: _Leases) -> Grant:
        now = self.rows[row.id]
        if amount:
            now = lease_out(now, amount)
            self.put(now)
            leased[row.id, row.period] = leased.get((row.id, row.period), 0) + amount
        return Grant(row.id, now.period, amount, max(now.available, 0), row.ends_at_ms)


def keys_of(want: Want) -> list[Key]:
    """Name the allowances that may pay for a want; gifts are told apart by scope, and all of them count."""
    if want.kind == "money":
        return [(want.account_id, kind, EVERY_SCOPE) for kind in MONEY_KINDS]
    return [(want.account_id, want.kind, want.scope)]


def _open_books(dialect: Dialect, trade: Trade, now_ms: int) -> Script[_Books]:
    wants = [want for ask in trade.asks for want in ask]
    made: dict[Key, Allowance] = {}
    for want in wants:
        may_lack = want.is_new or want.kind == "cap"  # its month may have begun since the worker saw it
        if may_lack and want.times is None and (want.kind == "money" or want.limit is not None):
            kind: AllowanceKind = "cash" if want.kind == "money" else want.kind
            period, limit = period_of(want.kind, now_ms), want.limit or 0
            row = Allowance(new_allowance_id(), want.account_id, kind, want.scope, period, limit, limit, 0, 0)
            made[want.account_id, kind, want.scope] = row
    for key in sorted(made):
        yield from _make(made[key])
    yield from _open_windows(dialect, wants, now_ms)
    keys = {key for want in wants for key in keys_of(want)}
    rows = yield from lock_allowances(dialect, keys, {each.allowance_id for each in trade.returns}, now_ms)
    return _Books(rows, now_ms)


def _open_windows(dialect: Dialect, wants: Sequence[Want], now_ms: int) -> Script[None]:
    """Open the windows of plans that calls want and that are not open."""
    lacking: dict[str, Want] = {}
    for want in wants:
        if want.times is not None and want.scope not in lacking:
            is_open = yield from _is_open(want, now_ms)
            if not is_open:
                lacking[want.scope] = want
    if not lacking:
        return
    # Whoever opens windows of a plan holds its subscription, so that two workers don't open two where one is due.
    plans = sorted({scope.partition("/")[0] for scope in lacking})
    yield Say(
        f"SELECT id FROM subscriptions WHERE id IN ({places(len(plans))}) ORDER BY id{dialect.lock}", tuple(plans)
    )
    for scope in sorted(lacking):
        want = lacking[scope]
        is_open = yield from _is_open(want, now_ms)
        if not is_open and want.times is not None:
            span, limit = span_at(want.times, now_ms), want.limit or 0
            yield insert_allowance(
                Allowance(
                    id=new_allowance_id(),
                    account_id=want.account_id,
                    kind="window",
                    scope=scope,
                    period=span.begin_ms,
                    available=limit,
                    granted=limit,
                    spent=0,
                    debt=0,
                    ends_at_ms=span.end_ms,
                )
            )


def _is_open(want: Want, now_ms: int) -> Script[bool]:
    found = yield Say(
        "SELECT id FROM allowances WHERE account_id = $1 AND kind = $2 AND scope = $3 AND ends_at_ms > $4",
        (want.account_id, want.kind, want.scope, now_ms),
    )
    return bool(found)


def _make(row: Allowance) -> Script[None]:
    """Make an allowance that has no row yet; that of a minute has one for all minutes."""
    if row.kind in MINUTE_KINDS:
        there = yield Say(
            "SELECT id FROM allowances WHERE account_id = $1 AND kind = $2 AND scope = $3",
            (row.account_id, row.kind, row.scope),
        )
        if there:
            return
    yield insert_allowance(row)


def _take_returns(worker_id: str, returns: tuple[GiveBack, ...], books: _Books) -> Script[None]:
    for each in returns:
        amount = each.idle + each.used
        left = yield Say(
            "UPDATE leases SET amount = amount - $4 "
            "WHERE worker_id = $1 AND allowance_id = $2 AND period = $3 AND amount >= $4 RETURNING amount",
            (worker_id, each.allowance_id, each.period, amount),
        )
        row = books.rows.get(each.allowance_id)
        if not left or row is None or row.period != each.period:
            continue
        books.put(book_return(row, each))
        if left[0][0] == 0:
            yield Say(
                "DELETE FROM leases WHERE worker_id = $1 AND allowance_id = $2 AND period = $3",
                (worker_id, each.allowance_id, each.period),
            )


def _call_for(worker_id: str, chain: list[Allowance]) -> Script[int]:
    """Sum what other workers hold of allowances in the period that holds, and let them see that it is needed here."""
    total = 0
    for row in chain:
        found = yield Say(
            "SELECT COALESCE(SUM(amount), 0) FROM leases WHERE allowance_id = $1 AND period = $2 AND worker_id <> $3",
            (row.id, row.period, worker_id),
        )
        if found[0][0]:
            total += int(found[0][0])
            yield _lease_row(worker_id, row.id, CALL_PERIOD, 0)
    return total


def _write_books(worker_id: str, books: _Books, leased: _Leases) -> Script[None]:
    for allowance_id, period in sorted(books.begun):
        yield Say("DELETE FROM leases WHERE allowance_id = $1 AND period < $2", (allowance_id, period))
    for allowance_id in sorted(books.changed):
        yield write_allowance(books.rows[allowance_id])
    for (allowance_id, period), amount in sorted(leased.items()):
        yield _lease_row(worker_id, allowance_id, period, amount)


def _lease_row(worker_id: str, allowance_id: str, period: int, amount: int) -> Say:
    """Add to a lease."""
    return Say(
        "INSERT INTO leases (worker_id, allowance_id, period, amount) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (worker_id, allowance_id, period) DO UPDATE SET amount = leases.amount + excluded.amount",
        (worker_id, allowance_id, period, amount),
    )

"""Over: implements the port OverBook within one transaction."""

from sqlalchemy import BigInteger, Connection, literal_column, select

from setaria.adapters.store.control.script_player import dialect_of
from setaria.adapters.store.schema import allowances
from setaria.core.ids import AccountId
from setaria.domain.ledger.allowances import Allowance

_ALLOWANCE = tuple(allowances.c[name] for name in Allowance.__struct_fields__)


class OverTable:
    """Gifts and terms of plans that have ended."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock_over(self, account_id: AccountId | None, limit: int) -> list[Allowance]:
        """Give the gifts and terms that have ended, by the database's clock, and of which something is left."""
        question = (
            select(*_ALLOWANCE)
            .where(allowances.c.kind.in_(("gift", "plan")), allowances.c.available > 0)
            .where(allowances.c.ends_at_ms <= literal_column(dialect_of(self._connection).now_ms, BigInteger))
            .order_by(allowances.c.id)
            .limit(limit)
            .with_for_update()
        )
        if account_id is not None:
            question = question.where(allowances.c.account_id == account_id)
        return [Allowance(*row) for row in self._connection.execute(question)]

    def list_debtors(self) -> list[AccountId]:
        """List the accounts that have a gift which owes something."""
        question = select(allowances.c.account_id).where(allowances.c.kind == "gift", allowances.c.debt > 0).distinct()
        return [*self._connection.execute(question).scalars()]

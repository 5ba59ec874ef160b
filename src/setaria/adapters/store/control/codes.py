"""Codes: implements the port CodeBook within one transaction."""

import msgspec
from sqlalchemy import Connection, insert, or_, select, update

from setaria.adapters.store.schema import codes
from setaria.core.ids import AccountId
from setaria.domain.ledger.codes import Code

_CODE = select(*(codes.c[name] for name in Code.__struct_fields__))  # in the order of the record's fields


class CodeTable:
    """Redeem codes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_code(self, code: Code) -> None:
        """Insert a new code."""
        self._connection.execute(insert(codes).values(msgspec.structs.asdict(code)))

    def find_code(self, digest: bytes) -> Code | None:
        """Find a code by its digest."""
        row = self._connection.execute(_CODE.where(codes.c.digest == digest)).first()
        return None if row is None else Code(*row)

    def redeem_code(self, digest: bytes, account_id: AccountId, at_ms: int) -> bool:
        """Mark a code as redeemed; False when it was already, or is past its end."""
        redeemed = self._connection.execute(
            update(codes)
            .where(
                codes.c.digest == digest,
                codes.c.redeemed_at_ms.is_(None),
                or_(codes.c.expires_at_ms.is_(None), codes.c.expires_at_ms > at_ms),
            )
            .values(redeemed_at_ms=at_ms, redeemed_by=account_id)
        )
        return redeemed.rowcount == 1

    def list_codes(self, batch: str | None) -> list[Code]:
        """List the codes of one batch, or with None of all, oldest first."""
        question = _CODE.order_by(codes.c.created_at_ms, codes.c.batch, codes.c.digest)
        if batch is not None:
            question = question.where(codes.c.batch == batch)
        return [Code(*row) for row in self._connection.execute(question)]

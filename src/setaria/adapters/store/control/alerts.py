"""Alerts: implements the port AlertBook within one transaction."""

import msgspec
from sqlalchemy import Connection, insert, select, update

from setaria.adapters.store.schema import alerts
from setaria.core.ids import AccountId
from setaria.domain.plans.alerts import Alert

_SELECT = select(*(alerts.c[name] for name in Alert.__struct_fields__))


class AlertTable:
    """Alerts, as they are raised and sent."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_alert(self, alert: Alert) -> bool:
        """Insert an alert, unless there is one of its account, kind, subject and level; False when there is."""
        same = select(alerts.c.id).where(
            alerts.c.account_id == alert.account_id,
            alerts.c.kind == alert.kind,
            alerts.c.subject == alert.subject,
            alerts.c.level == alert.level,
        )
        if self._connection.execute(same).first() is not None:
            return False
        self._connection.execute(insert(alerts).values(msgspec.structs.asdict(alert)))
        return True

    def list_alerts(self, account_id: AccountId, limit: int) -> list[Alert]:
        """List an account's newest alerts, newest first."""
        question = (
            _SELECT.where(alerts.c.account_id == account_id)
            .order_by(alerts.c.at_ms.desc(), alerts.c.id.desc())
            .limit(limit)
        )
        return [Alert(*row) for row in self._connection.execute(question)]

    def list_unsent(self, since_ms: int) -> list[Alert]:
        """List those raised since then that are not sent yet, oldest first."""
        question = _SELECT.where(alerts.c.sent_at_ms.is_(None), alerts.c.at_ms >= since_ms)
        return [Alert(*row) for row in self._connection.execute(question.order_by(alerts.c.at_ms, alerts.c.id))]

    def take_to_send(self, alert: Alert, sent_at_ms: int) -> bool:
        """Note that an alert is sent; False when somebody else has done so."""
        unsent = update(alerts).where(
            alerts.c.id == alert.id, alerts.c.account_id == alert.account_id, alerts.c.sent_at_ms.is_(None)
        )
        return self._connection.execute(unsent.values(sent_at_ms=sent_at_ms)).rowcount == 1

    def leave_unsent(self, alert: Alert) -> None:
        """Note that an alert could not be sent."""
        sent = update(alerts).where(alerts.c.id == alert.id, alerts.c.account_id == alert.account_id)
        self._connection.execute(sent.values(sent_at_ms=None))

"""Plan keeping: builds and runs the process that looks after purses, plans and alerts, every few minutes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from setaria.adapters.alerts.mail import MailSender, MailServer
from setaria.adapters.alerts.webhook import WebhookSender
from setaria.bootstrap.catalog import SEEDLING
from setaria.bootstrap.handover import Line
from setaria.bootstrap.installation import open_installation
from setaria.bootstrap.log import open_log
from setaria.bootstrap.missing_database import miss_no_database
from setaria.bootstrap.record_books import Books, make_books
from setaria.config import AlertSettings, Settings, read_mail_password, read_webhook_secret
from setaria.core.clock import BlockingClock, Clock, SystemClock
from setaria.core.errors import SetariaError
from setaria.domain.catalog.added import Fixed
from setaria.management.alerts import Sender, raise_alerts, send_alerts
from setaria.management.plan_renewal import renew_due
from setaria.management.purse_keeping import keep_purses


class Log(Protocol):
    """Where it is told what was done."""

    def info(self, event: str, **fields: object) -> None:
        """Log something that happened."""
        ...

    def warning(self, event: str, **fields: object) -> None:
        """Log something that someone should look at."""
        ...


def main() -> int:
    """Do all of it once; gives the exit code."""
    line = Line()
    line.say_ready()
    settings, log = line.handover.read_settings(), open_log("plan-keeping")
    try:
        keep_plans(settings, SystemClock(), log)
    except SetariaError as error:
        log.error("plan_keeping_failed", reason=error.message)
        return 1
    return 0


def keep_plans(settings: Settings, clock: BlockingClock, log: Log) -> None:
    """Expire what has ended, renew what is due, raise the alerts that are due, and send those that are not sent.

    Raises: whatever `open_installation` raises; ConfigError when a secret of the ways to send is not there.
    """
    miss_no_database(settings)
    with open_installation(settings, clock) as (store, ring):

        @contextmanager
        def begin() -> Iterator[Books]:
            with store.begin() as tables:
                yield make_books(tables, Fixed(settings.entries, (SEEDLING,)), clock, ring)

        kept = keep_purses(begin)
        if kept.expired or kept.cleared:
            log.info("purses_kept", expired=kept.expired, cleared=kept.cleared)
        renewed, problems = renew_due(begin, clock)
        if renewed:
            log.info("plans_renewed", plans=renewed)
        for problem in problems:
            log.warning("plan_not_renewed", reason=problem)
        raise_alerts(begin, clock)
        # The senders last of all: a secret that is not there must keep no money and no plan from being looked after.
        for problem in send_alerts(begin, clock, make_senders(settings.alerts, clock)):
            log.warning("alert_not_sent", reason=problem)


def make_senders(settings: AlertSettings, clock: Clock) -> list[Sender]:
    """Make the ways to send alerts that are set.

    Raises: ConfigError when a secret is not there.
    """
    senders: list[Sender] = []
    password, secret = read_mail_password(settings), read_webhook_secret(settings)
    if password is not None:
        server = MailServer(
            settings.smtp_host, settings.smtp_port, settings.smtp_security, settings.smtp_user, password
        )
        senders.append(MailSender(server, settings.mail_from, settings.mail_copy))
    if secret is not None:
        senders.append(WebhookSender(settings.webhook_url, secret, clock))
    return senders


if __name__ == "__main__":
    sys.exit(main())

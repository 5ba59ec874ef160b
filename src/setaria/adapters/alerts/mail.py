"""Mail: sends alerts to the owners of accounts through a mail server; it blocks, so no event loop may call it."""

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Literal

import msgspec

from setaria.core.clock import http_date_from_ms
from setaria.domain.accounts.records import Account
from setaria.domain.plans.alerts import Alert

_PATIENCE_S = 10
_SUBJECT = "Your token plan"


class MailServer(msgspec.Struct, frozen=True):
    """Where mail is handed in; without a user nobody signs in."""

    host: str
    port: int
    security: Literal["starttls", "tls", "off"]
    user: str = ""
    password: str = ""


class MailSender:
    """Implements the port Sender: one mail to the account's address, and one to the operator's if there is one."""

    def __init__(self, server: MailServer, sender: str, copy_to: str) -> None:
        self._server = server
        self._sender = sender
        self._copy_to = copy_to

    def send(self, alert: Alert, account: Account, text: str) -> str:
        """Send one; gives what went wrong, empty when nothing did. Nobody to write to is nothing wrong."""
        receivers = [address for address in (account.email, self._copy_to) if address]
        if not receivers:
            return ""
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = ", ".join(receivers)
        message["Subject"] = _SUBJECT
        message["Date"] = http_date_from_ms(alert.at_ms).replace("GMT", "+0000")
        message["Message-ID"] = f"<{alert.id}@{self._sender.rpartition('@')[2]}>"
        message.set_content(f"{text}\n\nAccount: {account.name} ({account.id})\n")
        try:
            with self._connect() as connection:
                connection.send_message(message)
        except (smtplib.SMTPException, OSError) as error:
            return f"the mail server {self._server.host} did not take an alert: {type(error).__name__}"
        return ""

    @contextlib.contextmanager
    def _connect(self) -> Iterator[smtplib.SMTP]:
        server, context = self._server, ssl.create_default_context()
        if server.security == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=_PATIENCE_S, context=context)
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=_PATIENCE_S)
        with connection:
            if server.security == "starttls":
                connection.starttls(context=context)
            if server.user:
                connection.login(server.user, server.password)
            yield connection

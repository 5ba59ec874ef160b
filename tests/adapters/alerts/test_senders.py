"""Senders: mail to a real server of the tests, and a signed webhook."""

import hashlib
import hmac
import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_string
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from setaria.adapters.alerts.mail import MailSender, MailServer
from setaria.adapters.alerts.webhook import WebhookSender
from setaria.core.ids import AccountId
from setaria.domain.accounts.records import Account
from setaria.domain.plans.alerts import Alert
from tests.fakes.clock import FakeClock

ANN = Account(AccountId("acct_1"), "ann", "active", 0, "ann@example.org")
ALERT = Alert("alert_1", ANN.id, 1_795_392_000_000, "plan_used", "sub_1/5", 90)


class MailHandler(socketserver.StreamRequestHandler):
    """As much of a mail server as it takes to hand in a mail."""

    def handle(self) -> None:
        """Hold one conversation."""
        server = self.server
        assert isinstance(server, MailTaker)
        self.wfile.write(b"220 hello\r\n")
        while line := self.rfile.readline():
            word = line.split()[0].upper() if line.split() else b""
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                server.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
                self.wfile.write(b"250 taken\r\n")
            elif word == b"RCPT":
                server.receivers.append(line.decode().strip())
                self.wfile.write(b"550 nobody\r\n" if server.refuses else b"250 ok\r\n")
            elif word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


class MailTaker(socketserver.TCPServer):
    """A mail server that keeps what it gets, or with `refuses` takes nothing."""

    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), MailHandler)
        self.mails: list[str] = []
        self.receivers: list[str] = []
        self.refuses = False


class HookTaker(BaseHTTPRequestHandler):
    """A receiver of webhooks."""

    def log_message(self, *_: object) -> None:  # standard error belongs to the tests
        pass

    def do_POST(self) -> None:
        """Keep what comes."""
        server = self.server
        assert isinstance(server, HookServer)
        body = self.rfile.read(int(self.headers["content-length"]))
        server.got.append((self.path, dict(self.headers.items()), body))
        self.send_response(server.status)
        self.end_headers()


class HookServer(HTTPServer):
    """Keeps what comes, and answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HookTaker)
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 204


@pytest.fixture
def mail() -> Iterator[MailTaker]:
    """Run a mail server."""
    with MailTaker() as server, _served(server):
        yield server


@pytest.fixture
def hook() -> Iterator[HookServer]:
    """Run a receiver of webhooks."""
    with HookServer() as server, _served(server):
        yield server


@contextmanager
def _served(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def sender(server: MailTaker, copy_to: str = "ops@example.org") -> MailSender:
    """Make a sender of that server's."""
    place = MailServer("127.0.0.1", server.server_address[1], "off")
    return MailSender(place, "setaria@example.org", copy_to)


def test_a_mail_reaches_owner_and_operator(mail: MailTaker) -> None:
    """With the sentence, and with an id by which a second copy is known."""
    assert sender(mail).send(ALERT, ANN, "90 percent of the plan's credits are used.") == ""
    (text,) = mail.mails
    message = message_from_string(text)
    assert (
        message["To"], message["From"], message["Message-ID"],
    ) == ("ann@example.org, ops@example.org", "setaria@example.org", "<alert_1@example.org>")  # fmt: skip
    assert "90 percent of the plan's credits are used." in text
    assert len(mail.receivers) == 2


def test_nobody_to_write_to_is_nothing_wrong(mail: MailTaker) -> None:
    """An account without an address, and no copy: no mail."""
    nobody = Account(ANN.id, "bob", "active", 0)
    assert (sender(mail, "").send(ALERT, nobody, "x"), mail.mails) == ("", [])


def test_a_mail_server_that_refuses_or_is_away_is_told(mail: MailTaker) -> None:
    """With its name and never an address."""
    mail.refuses = True
    says = "the mail server 127.0.0.1 did not take an alert: "
    assert f"{says}SMTPRecipientsRefused" == sender(mail).send(ALERT, ANN, "x")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for place in (MailServer("127.0.0.1", port, "tls"), MailServer("127.0.0.1", port, "starttls")):
        assert f"{says}ConnectionRefusedError" == MailSender(place, "a@b", "").send(ALERT, ANN, "x")


def test_a_mail_server_without_encryption_gets_no_password(mail: MailTaker) -> None:
    """Where STARTTLS is wanted and not there, nothing is handed in."""
    place = MailServer("127.0.0.1", mail.server_address[1], "starttls", "me", "secret")
    assert "did not take an alert" in MailSender(place, "a@b", "").send(ALERT, ANN, "x")
    assert mail.mails == []


def test_a_webhook_is_signed(hook: HookServer) -> None:
    """Over timestamp and body; a receiver that has the secret can prove both."""
    clock = FakeClock()
    url = f"http://127.0.0.1:{hook.server_port}/hook?a=1"
    assert WebhookSender(url, "secret", clock).send(ALERT, ANN, "a text") == ""
    ((path, headers, body),) = hook.got
    stamp = headers["x-setaria-timestamp"]
    expected = hmac.new(b"secret", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert ("/hook?a=1", f"v1={expected}", str(clock.now_ms() // 1000)) == (path, headers["x-setaria-signature"], stamp)
    assert json.loads(body) == {
        "id": "alert_1", "type": "plan_used", "account": "acct_1", "at": "2026-11-23T00:00:00.000Z",
        "subject": "sub_1/5", "level": 90, "message": "a text",
    }  # fmt: skip


def test_a_webhook_that_fails_is_told(hook: HookServer) -> None:
    """By its status, or by what kept it away."""
    hook.status = 500
    url = f"http://127.0.0.1:{hook.server_port}"
    assert (
        WebhookSender(url, "s", FakeClock()).send(ALERT, ANN, "") == "the webhook at 127.0.0.1 answered with status 500"
    )
    assert hook.got[0][0] == "/"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    away = WebhookSender(f"https://127.0.0.1:{port}/", "s", FakeClock()).send(ALERT, ANN, "")
    assert away == "the webhook at 127.0.0.1 did not take an alert: ConnectionRefusedError"

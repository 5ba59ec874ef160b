"""Webhook: sends alerts as signed JSON to an address of the operator's; it blocks, so no event loop may call it.

The signature is HMAC-SHA-256 over the timestamp, a dot and the body, as hex digits after `v1=`. A receiver makes it
anew, compares in constant time, and refuses timestamps that are minutes old.
"""

import hashlib
import hmac
import http.client
from urllib.parse import urlsplit

import msgspec

from setaria.core.clock import Clock, iso_from_ms
from setaria.domain.accounts.records import Account
from setaria.domain.plans.alerts import Alert

TIMESTAMP = "x-setaria-timestamp"
SIGNATURE = "x-setaria-signature"

_PATIENCE_S = 10
_GOOD = range(200, 300)


class AlertBody(msgspec.Struct, frozen=True):
    """An alert as receivers get it."""

    id: str
    type: str
    account: str
    at: str
    subject: str
    level: int
    message: str


class WebhookSender:
    """Implements the port Sender.

    Takes: url, http or https; secret, what the signature is made with.
    """

    def __init__(self, url: str, secret: str, clock: Clock) -> None:
        self._url = urlsplit(url)
        self._secret = secret.encode()
        self._clock = clock

    def send(self, alert: Alert, account: Account, text: str) -> str:
        """Send one; gives what went wrong, empty when nothing did."""
        at = iso_from_ms(alert.at_ms)
        body = msgspec.json.encode(AlertBody(alert.id, alert.kind, account.id, at, alert.subject, alert.level, text))
        timestamp = str(self._clock.now_ms() // 1000)
        headers = {
            "content-type": "application/json",
            TIMESTAMP: timestamp,
            SIGNATURE: f"v1={sign(self._secret, timestamp, body)}",
        }
        secure = self._url.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        path = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
        try:
            connection = kind(self._url.hostname or "", self._url.port, timeout=_PATIENCE_S)
            try:
                connection.request("POST", path, body, headers)
                status = connection.getresponse().status
            finally:
                connection.close()
        except (http.client.HTTPException, OSError, ValueError) as error:
            return f"the webhook at {self._url.hostname} did not take an alert: {type(error).__name__}"
        return "" if status in _GOOD else f"the webhook at {self._url.hostname} answered with status {status}"


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    """Sign a body, as hex digits."""
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()

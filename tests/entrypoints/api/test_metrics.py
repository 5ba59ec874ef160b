"""The page for Prometheus: who may read it, and what is counted of a real server."""

import pytest

from setaria.adapters.telemetry.exposition import write_samples
from setaria.entrypoints.api.metrics import is_loopback
from tests.entrypoints.api.serving import CHAT, GOOD, MESSAGES, Site, visit
from tests.prometheus_text import read_metrics


class Source:
    """Figures that never change."""

    async def write(self) -> bytes:
        """Write them."""
        return write_samples({("setaria_workers",): 2})


@pytest.mark.parametrize(
    "peer, expected",
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:10.0.0.1", False),
        ("10.0.0.1", False),
        ("0.0.0.0", False),
        ("fe80::1%eth0", False),
        ("2001:db8::1", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_who_is_on_this_machine(peer: str, expected: bool) -> None:
    """Only a loopback address is, an IPv4 one written as IPv6 too."""
    assert is_loopback(peer) == expected


def test_the_page_is_text() -> None:
    """No key is asked; HEAD gives the same head."""

    async def story(site: Site) -> None:
        request = site.request("GET", "/metrics", authorization="")
        answer = await site.ask(request)
        assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert read_metrics(answer.body) == {("setaria_workers", ()): 2}
        head = await site.ask(site.request("HEAD", "/metrics"), "HEAD")
        assert (head.status, head.headers["content-length"]) == (200, str(len(answer.body)))
        assert (await site.ask(site.request("POST", "/metrics"))).status == 405

    visit(story, metrics=Source())


@pytest.mark.parametrize("header", ["x_forwarded_for", "Forwarded", "x_real_ip", "via"])
def test_nobody_reads_it_through_a_proxy(header: str) -> None:
    """A proxy on this machine is no reason to show it to the world."""

    async def story(site: Site) -> None:
        answer = await site.ask(site.request("GET", "/metrics", b"", **{header: "127.0.0.1"}))
        assert (answer.status, "through a proxy" in answer.error["message"]) == (403, True)

    visit(story, metrics=Source())


def test_it_can_be_off() -> None:
    """Without figures there is no such page."""

    async def story(site: Site) -> None:
        answer = await site.ask(site.request("GET", "/metrics"))
        assert (answer.status, "server.metrics is off" in answer.error["message"]) == (404, True)

    visit(story)


def test_every_refusal_is_counted() -> None:
    """By its kind and status, whichever part refuses; calls are counted apart."""

    async def story(site: Site) -> None:
        assert (await site.ask(site.request("POST", CHAT, GOOD))).status == 200
        assert (await site.ask(site.request("POST", CHAT, GOOD, authorization="Bearer sk-wrong"))).status == 401
        assert (await site.ask(site.request("POST", MESSAGES, b"{"))).status == 400
        assert (await site.ask(site.request("GET", "/nothing"))).status == 404
        assert (await site.ask(b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n")).status == 400

    meter = visit(story).stage.meter
    assert meter.refusals == [
        ("Unauthenticated", 401),
        ("InvalidRequest", 400),
        ("UnknownPath", 404),
        ("InvalidRequest", 400),
    ]
    assert len(meter.calls) == 1

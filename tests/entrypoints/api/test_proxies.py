"""Proxies: whose word about a client's address is believed."""

import pytest
from msgspec.structs import replace

from setaria.domain.accounts.records import KeyRules
from setaria.entrypoints.api.edge import Edge
from setaria.entrypoints.api.head import Header
from setaria.entrypoints.api.lane_hosts import LaneHosts
from setaria.entrypoints.api.proxies import NO_PROXIES, Proxies
from tests.entrypoints.api.serving import CHAT, GOOD, Site, visit
from tests.fakes.platform import ANY, add_key

PROXIES = Proxies(("10.0.0.0/8", "::1"))


def told(*values: str) -> list[Header]:
    """Write headers that tell hops."""
    return [(b"X-Forwarded-For", value.encode()) for value in values] + [(b"forwarded", b"for=6.6.6.6")]


@pytest.mark.parametrize(
    "peer, headers, expected",
    [
        ("1.2.3.4", told("6.6.6.6"), "1.2.3.4"),
        ("10.0.0.1", told(), "10.0.0.1"),
        ("10.0.0.1", told("1.2.3.4"), "1.2.3.4"),
        ("10.0.0.1", told("6.6.6.6, 1.2.3.4, 10.0.0.2"), "1.2.3.4"),
        ("10.0.0.1", told("6.6.6.6", "1.2.3.4", "10.0.0.2"), "1.2.3.4"),
        ("10.0.0.1", told("10.0.0.3, 10.0.0.2"), "10.0.0.3"),
        ("10.0.0.1", told("6.6.6.6, unknown, 10.0.0.2"), "10.0.0.2"),
        ("10.0.0.1", told("1.2.3.4:5678"), "1.2.3.4"),
        ("10.0.0.1", told("[2001:db8::1]:5678"), "2001:db8::1"),
        ("10.0.0.1", told("2001:db8::1"), "2001:db8::1"),
        ("::ffff:10.0.0.1", told("1.2.3.4"), "1.2.3.4"),
        ("::1", told("1.2.3.4"), "1.2.3.4"),
        ("", told("1.2.3.4"), ""),
    ],
)
def test_the_right_most_hop_that_is_not_trusted_counts(peer: str, headers: list[Header], expected: str) -> None:
    """What stands before it anybody may have written."""
    assert expected == PROXIES.client_of(peer, headers)


def test_without_proxies_nobody_is_believed() -> None:
    """The peer is the client."""
    assert NO_PROXIES.client_of("10.0.0.1", told("1.2.3.4")) == "10.0.0.1"


@pytest.mark.parametrize("proxies, status", [(Proxies(("127.0.0.0/8",)), 200), (NO_PROXIES, 403)])
def test_a_key_is_held_against_the_client_s_own_address(proxies: Proxies, status: int) -> None:
    """Behind a trusted proxy it is the one that the proxy tells; without trust it is the proxy's."""

    async def story(site: Site) -> None:
        key = add_key(site.stage.ledger, terms=replace(ANY, rules=KeyRules(networks=("192.0.2.0/24",))))
        request = site.request("POST", CHAT, GOOD, authorization=f"Bearer {key}", x_forwarded_for="192.0.2.7")
        answer = await site.ask(request)
        assert answer.status == status
        if status == 403:
            assert answer.error["message"] == "this key may not be used from 127.0.0.1"

    visit(story, edge=Edge(LaneHosts(), proxies))

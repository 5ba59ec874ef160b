"""Lanes: which keys are good at which address."""

import pytest
from msgspec.structs import replace

from setaria.core.protocol import Lane
from setaria.domain.accounts.records import KeyRules
from setaria.domain.plans.offers import Offer
from setaria.domain.plans.subscriptions import begin
from setaria.entrypoints.api.edge import Edge
from setaria.entrypoints.api.lane_hosts import LaneHosts
from setaria.entrypoints.api.proxies import NO_PROXIES
from setaria.entrypoints.api.routes import ROUTES
from tests.entrypoints.api.serving import CHAT, GOOD, MESSAGES, STREAM, Site, visit
from tests.fakes.platform import ACCOUNT, ANY, add_key

HOSTS = LaneHosts(("api.example.org",), ("plan.example.org",))
COUNT = MESSAGES + "/count_tokens"


def make_key(site: Site, lane: Lane) -> str:
    """Make a key of a lane; a plan's comes with a plan that is valid."""
    if lane == "payg":
        return add_key(site.stage.ledger)
    held = begin("sub_1", ACCOUNT, Offer("lite", "Lite", 6, "month", 1_000), site.stage.clock.now_ms(), 6)
    site.stage.ledger.subscriptions[held.id] = held
    return add_key(site.stage.ledger, lane=lane, terms=replace(ANY, subscription_id=held.id))


@pytest.mark.parametrize("lane", ["payg", "plan"])
@pytest.mark.parametrize("target", [CHAT, MESSAGES, COUNT, "/v1/models", "/anthropic/v1/models/seedling"])
def test_a_key_is_good_in_its_lane(lane: Lane, target: str) -> None:
    """A plan's key under `/plan`, another one without, in both protocols."""

    async def story(site: Site) -> None:
        key = make_key(site, lane)
        method, body = ("GET", b"") if "models" in target else ("POST", GOOD)
        path = ("/plan" if lane == "plan" else "") + target
        answer = await site.ask(site.request(method, path, body, authorization=f"Bearer {key}"))
        assert answer.status == 200
        assert {row.lane for row in site.stage.ledger.rows} <= {lane}

    visit(story)


@pytest.mark.parametrize(
    "lane, target, told",
    [
        ("plan", CHAT, "this is a key of a token plan; its base path is /plan/v1"),
        ("plan", MESSAGES, "this is a key of a token plan; its base path is /plan/anthropic"),
        ("plan", COUNT, "this is a key of a token plan; its base path is /plan/anthropic"),
        ("plan", "/v1/models", "this is a key of a token plan; its base path is /plan/v1"),
        ("payg", "/plan" + CHAT, "this is a key of pay as you go; its base path is /v1"),
        ("payg", "/plan" + MESSAGES, "this is a key of pay as you go; its base path is /anthropic"),
    ],
)
def test_a_key_at_the_wrong_address_is_told_the_right_one(lane: Lane, target: str, told: str) -> None:
    """It is 401, in the form of the path's protocol, and trying again is said to be no use; nothing is charged."""

    async def story(site: Site) -> None:
        key = add_key(site.stage.ledger, lane=lane)
        method, body = ("GET", b"") if "models" in target else ("POST", STREAM)
        answer = await site.ask(site.request(method, target, body, authorization=f"Bearer {key}"))
        assert (answer.status, answer.headers["x-should-retry"]) == (401, "false")
        assert answer.error["message"] == f"Invalid API Key: {told}"
        assert answer.error["type"] == ("authentication_error" if "anthropic" in target else "invalid_key")

    assert visit(story).stage.ledger.rows == []


@pytest.mark.parametrize(
    "host, path, lane",
    [
        ("api.example.org", "/v1/models", "payg"),
        ("API.example.org:8080", "/anthropic/v1/models/x", "payg"),
        ("api.example.org", "/plan/v1/models", None),
        ("plan.example.org", "/v1/models", "plan"),
        ("plan.example.org:443", "/anthropic/v1/messages", "plan"),
        ("plan.example.org", "/plan/v1/models", "plan"),
        ("plan.example.org", "/v1/nothing", None),
        ("localhost", "/v1/models", "payg"),
        ("localhost", "/plan/v1/models", "plan"),
        ("", "/plan/v1/models", "plan"),
    ],
)
def test_a_host_decides_where_it_stands_for_a_lane(host: str, path: str, lane: Lane | None) -> None:
    """At any other host the path does."""
    found = HOSTS.find_route(path, host.encode())
    assert lane == (None if found is None else found.route.lane)


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/readyz"])
def test_what_belongs_to_no_lane_is_at_every_host(path: str) -> None:
    """Health and figures are those of the server."""
    for host in (b"api.example.org", b"plan.example.org", b"localhost"):
        found = HOSTS.find_route(path, host)
        assert found is not None
        assert (found.route.path, found.route.lane) == (path, None)


def test_every_route_of_a_lane_is_in_both() -> None:
    """The plan's lane has what the other has, under its prefix, and what is a plan's alone."""
    paths = {route.path for route in ROUTES if route.lane == "plan" and not route.path.endswith("/quota")} - {"/plan"}
    assert paths == {f"/plan{route.path}" for route in ROUTES if route.lane == "payg"}


def test_a_plan_s_host_needs_no_prefix() -> None:
    """A plan's key is good there on the plain paths, and another one is told where to go."""

    async def story(site: Site) -> None:
        key = make_key(site, "plan")
        asked = {"host": "plan.example.org", "authorization": f"Bearer {key}"}
        assert (await site.ask(site.request("POST", CHAT, GOOD, **asked))).status == 200
        assert (await site.ask(site.request("POST", MESSAGES, GOOD, **asked))).status == 200
        answer = await site.ask(site.request("POST", CHAT, GOOD, host="plan.example.org"))
        assert (answer.status, "its base path is /v1" in answer.error["message"]) == (401, True)

    visit(story, edge=Edge(HOSTS, NO_PROXIES))


def test_a_key_of_few_models() -> None:
    """Others are 403, which names those that are allowed; lists have only them; tokens are not counted for others."""

    async def story(site: Site) -> None:
        good = add_key(site.stage.ledger, terms=replace(ANY, rules=KeyRules(models=("seedling",))))
        bad = add_key(site.stage.ledger, terms=replace(ANY, rules=KeyRules(models=("oak", "elm"))))
        assert (await site.ask(site.request("POST", CHAT, GOOD, authorization=f"Bearer {good}"))).status == 200
        for target in (CHAT, MESSAGES, COUNT):
            answer = await site.ask(site.request("POST", target, GOOD, authorization=f"Bearer {bad}"))
            assert answer.status == 403
            assert "may not be used for seedling; it may for: oak, elm" in answer.error["message"]
        listed = await site.ask(site.request("GET", "/v1/models", authorization=f"Bearer {bad}"))
        assert (listed.status, b"seedling" in listed.body) == (200, False)

    assert len(visit(story).stage.ledger.rows) == 1

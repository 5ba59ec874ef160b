"""Two servers of two workers each over one PostgreSQL: what holds for one holds for both together."""

import contextlib
import http.client
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.end_to_end.gated_model import HELD, GatedModel, gated_model
from tests.end_to_end.running import Running, running, wait_for
from tests.postgres import PostgresServer

WITHIN_S = 1.0
MINUTE_S = 60.0
ENOUGH_S = 25.0
"""So much of a minute is enough for the calls of a test, on a busy machine too."""

CONFIG = """
[database]
url = "{url}"
[server]
secret_file = "{secret}"
[[upstreams]]
name = "m"
kind = "openai"
base_url = "{model}"
[[models]]
id = "m"
context_tokens = 8000
output_tokens = 1000
deployments = [{{ upstream = "m", model = "m" }}]
"""
PRICES = '[[prices]]\nmodel = "m"\nfrom = 2026-01-01T00:00:00Z\ninput = "1"\noutput = "1"\n'


class Answer(NamedTuple):
    """What a client got."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


class Site(NamedTuple):
    """Both servers, and the model server behind them."""

    nodes: tuple[Running, Running]
    model: GatedModel


@pytest.fixture(scope="module")
def site(
    postgres_server: PostgresServer, upgraded_postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Start both, each with a data folder of its own, one secret and one database."""
    folder = tmp_path_factory.mktemp("nodes")
    url = postgres_server.create_database(upgraded_postgres)
    with gated_model() as model, contextlib.ExitStack() as stack:
        config = CONFIG.format(url=url, secret=folder / "secret", model=model.base_url)
        nodes = []
        for name in ("one", "two"):
            (folder / name).mkdir(mode=0o700)
            (folder / name / "setaria.toml").write_text(config)
            nodes.append(stack.enter_context(running(folder / name, "--workers", "2")))
        first, second = nodes
        (folder / "prices.toml").write_text(PRICES)
        first.command("prices", "import", str(folder / "prices.toml"))
        yield Site((first, second), model)


def make_key(site: Site, name: str, *limits: str) -> dict[str, str]:
    """Make a key of an account with money and these limits, made by either server's operator."""
    site.nodes[0].command("accounts", "create", name)
    site.nodes[1].command("accounts", "topup", name, "100")
    site.nodes[0].command("limits", "set", name, *limits)
    made: dict[str, str] = json.loads(site.nodes[1].command("keys", "create", "--account", name, "--json"))
    return made


def call(node: Running, key: str, text: str = "hello", *, stream: bool = False) -> Answer:
    """Make a call on a connection of its own, so that either worker may get it."""
    connection = http.client.HTTPConnection(urlsplit(node.base_url).netloc, timeout=30)
    with contextlib.closing(connection):
        body = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": text}], "stream": stream}
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        heads = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, heads, {} if stream else json.loads(content))


def test_a_revoked_key_is_refused_on_both_within_a_second(site: Site) -> None:
    """By each worker of each server, as often as it is tried."""
    key = make_key(site, "ann", "--rpm", "1000")
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(call, node, key["key"]) for node in site.nodes for _ in range(10)]
    assert {each.result().status for each in asked} == {200}
    site.nodes[0].command("keys", "revoke", key["id"])
    revoked_s = time.monotonic()
    while time.monotonic() - revoked_s < WITHIN_S:
        if all(call(node, key["key"]).status == 401 for node in site.nodes for _ in range(4)):
            break
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(call, node, key["key"]) for node in site.nodes for _ in range(20)]
    assert {each.result().status for each in asked} == {401}


def test_a_limit_of_100_a_minute_admits_exactly_100(site: Site) -> None:
    """Of 140 requests to both at once; each answer tells what is left, which nobody is ever told below nothing."""
    key = make_key(site, "bob", "--rpm", "100", "--in-flight", "1000")
    left_s = MINUTE_S - time.time() % MINUTE_S
    if left_s < ENOUGH_S:
        time.sleep(left_s + 0.2)
    minute = int(time.time() // MINUTE_S)
    with ThreadPoolExecutor(20) as threads:
        asked = [threads.submit(call, site.nodes[number % 2], key["key"]) for number in range(140)]
    answers = [each.result() for each in asked]
    assert int(time.time() // MINUTE_S) == minute, "the machine was too slow for this test"
    assert Counter(each.status for each in answers) == {200: 100, 429: 40}
    for answer in answers:
        left = int(answer.headers["x-ratelimit-remaining-requests"])
        assert left == int(answer.headers["anthropic-ratelimit-requests-remaining"])
        assert (0 <= left < 100) if answer.status == 200 else left == 0
        assert answer.headers["x-ratelimit-limit-requests"] == "100"
    assert {each.headers["retry-after"].isdigit() for each in answers if each.status == 429} == {True}


def test_a_slot_that_is_idle_elsewhere_is_never_refused(site: Site) -> None:
    """With one call in flight at a time, calls go to both servers in turn, each as soon as the other has answered."""
    key = make_key(site, "cyd", "--rpm", "1000", "--in-flight", "1")
    statuses = [call(site.nodes[number % 2], key["key"], stream=number % 4 > 1).status for number in range(40)]
    assert Counter(statuses) == {200: 40}
    with ThreadPoolExecutor(1) as threads:
        site.model.gate.clear()
        held: Future[Answer] = threads.submit(call, site.nodes[0], key["key"], HELD)
        wait_for(lambda: site.model.waiting == 1)
        for node in site.nodes:
            refused = call(node, key["key"])
            assert (refused.status, "1 calls at a time" in refused.body["error"]["message"]) == (429, True)
        site.model.gate.set()
        assert held.result().status == 200
    assert [call(node, key["key"]).status for node in reversed(site.nodes)] == [200, 200]


def test_a_closing_waits_for_calls_on_either(site: Site) -> None:
    """Of a postpaid account, whose calls hold no money: while one is under way it is refused, and changes nothing."""
    postpaid = json.loads(site.nodes[0].command("accounts", "create", "eve", "--billing", "postpaid", "--json"))["id"]
    site.nodes[0].command("accounts", "topup", postpaid, "1")
    key = json.loads(site.nodes[0].command("keys", "create", "--account", postpaid, "--json"))
    with ThreadPoolExecutor(1) as threads:
        site.model.gate.clear()
        held = threads.submit(call, site.nodes[1], key["key"], HELD)
        wait_for(lambda: site.model.waiting == 1)
        site.nodes[0].command("accounts", "close", postpaid, "--yes", code=1)
        site.model.gate.set()
        assert held.result().status == 200
    assert call(site.nodes[0], key["key"]).status == 200
    site.nodes[0].command("accounts", "close", postpaid, "--yes")
    wait_for(lambda: all(call(node, key["key"]).status == 401 for node in site.nodes for _ in range(4)))


def test_the_books_of_both_add_up(site: Site) -> None:
    """After all that, while both still run."""
    assert "Everything adds up." in site.nodes[1].command("ledger", "verify")

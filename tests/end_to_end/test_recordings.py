"""Recordings: what real tools sent, header for header, through the platform to model servers of both protocols.

The recordings are shortened: long texts are cut, and of a tool's tools one of each shape is left. What they are of says
`tests/wire/anthropic_messages/test_recordings.py`.
"""

import contextlib
import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args
from urllib.parse import urlsplit

import pytest

from tests.end_to_end.asking import TIMEOUT_S, Heard, hear
from tests.end_to_end.faults import THOUGHT, WORDS, Upstream
from tests.end_to_end.running import Running, running
from tests.fault_server.loop import read_asked
from tests.fault_server.play import SeenRequest
from tests.fault_server.thread import fault_server

FOLDER = Path(__file__).parents[1] / "data" / "recordings"
RECORDINGS: list[dict[str, Any]] = [
    json.loads(line) for file in sorted(FOLDER.glob("*.jsonl")) for line in file.read_text().splitlines()
]
CONFIG = """
[[upstreams]]
name = "openai"
kind = "openai"
base_url = "{url}/v1"
[[upstreams]]
name = "anthropic"
kind = "anthropic"
base_url = "{url}"
[[models]]
id = "openai"
capabilities = ["tools", "thinking", "json"]
deployments = [{{ upstream = "openai", model = "thinking" }}]
[[models]]
id = "anthropic"
capabilities = ["tools", "thinking", "json"]
deployments = [{{ upstream = "anthropic", model = "thinking" }}]
"""
# Hermes Agent asks a server on this machine what it is: LM Studio, Ollama, llama.cpp or vLLM.
PROBES = ("/api/v1/models", "/api/tags", "/v1/props", "/props", "/version", "/models")


CASES: list[tuple[int, Upstream]] = [(at, upstream) for at in range(len(RECORDINGS)) for upstream in get_args(Upstream)]
NAMES = [f"{at}-{RECORDINGS[at]['client']}-{upstream}" for at, upstream in CASES]


class Played(NamedTuple):
    """What came of the recordings: what each client heard, what the model server saw, and the rows on the books."""

    heard: dict[tuple[int, Upstream], Heard]
    seen: dict[tuple[int, Upstream], SeenRequest]
    books: dict[str, dict[str, Any]]
    platform: Running


def connect(platform: Running) -> contextlib.closing[http.client.HTTPConnection]:
    """Open a connection to the platform."""
    return contextlib.closing(http.client.HTTPConnection(urlsplit(platform.base_url).netloc, timeout=TIMEOUT_S))


def send(connection: http.client.HTTPConnection, case: tuple[int, Upstream], key: str) -> http.client.HTTPResponse:
    """Send a recorded request as it was but for its model and key."""
    recording = RECORDINGS[case[0]]
    body = json.dumps(recording["body"] | {"model": case[1]})
    connection.request("POST", recording["path"], body, recording["headers"] | {"authorization": f"Bearer {key}"})
    return connection.getresponse()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Send every recording to a model at servers of both protocols."""
    data = tmp_path_factory.mktemp("recordings") / "data"
    data.mkdir()
    with fault_server() as server:
        (data / "setaria.toml").write_text(CONFIG.format(url=server.url))
        with running(data) as platform:
            heard, seen = {}, {}
            for case in CASES:
                if "count_tokens" not in RECORDINGS[case[0]]["path"]:
                    with connect(platform) as connection:
                        heard[case] = hear(send(connection, case, platform.key), time.monotonic())
                    seen[case] = server.requests[-1]
            yield Played(heard, seen, {row["id"]: row for row in platform.calls(len(CASES))}, platform)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_recorded_requests_are_answered(case: tuple[int, Upstream], played: Played) -> None:
    """The answer is whole and in form, the model server saw every tool and every result, and the books are right."""
    recording, upstream = RECORDINGS[case[0]], case[1]
    if "count_tokens" in recording["path"]:
        with connect(played.platform) as connection:
            assert json.load(send(connection, case, played.platform.key))["input_tokens"] > 0
        return
    heard, body = played.heard[case], recording["body"]
    assert (heard.status, heard.message, heard.ended) == (200, "", True)
    assert (heard.text, heard.model) == (WORDS, upstream)
    assert heard.thought in ("", THOUGHT)
    asked = read_asked(body, is_anthropic=recording["path"].startswith("/anthropic"))
    passed = played.seen[case].asked
    assert [*passed.tools] == [tool for tool in asked.tools if tool != "web_search"]
    assert len(passed.results) == len(asked.results)
    row = played.books[heard.call_id]
    assert (row["ending"], row["counts_from"], row["upstream"]) == ("completed", "upstream", upstream)
    assert row["stream"] == bool(body.get("stream"))


@pytest.mark.parametrize("prefix", ["", "/anthropic"])
@pytest.mark.parametrize("path", PROBES)
def test_probes_for_other_servers_find_nothing(path: str, prefix: str, played: Played) -> None:
    """A tool that asks whether this is another kind of server learns at once, in JSON, that it is not."""
    with connect(played.platform) as connection:
        connection.request("GET", prefix + path, headers={"authorization": f"Bearer {played.platform.key}"})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["content-type"]) == (404, "application/json")
        assert "error" in json.load(answer)

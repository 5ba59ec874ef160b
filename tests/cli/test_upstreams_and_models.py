"""Upstreams and models: their commands, on a real database and file, against a real server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from setaria.bootstrap.catalog import SEEDLING_FOLDER
from tests.cli.running import Run

URL = "http://127.0.0.1:8000/v1"
FILE = """
[[upstreams]]
name = "filed"
kind = "anthropic"
base_url = "https://h"
api_key_env = "CLAUDE_KEY"
headers = { x-team = "hidden" }

[[models]]
id = "pro"
deployments = [{ upstream = "filed", model = "opus" }]
"""
CHUNKS: list[dict[str, Any]] = [
    {"id": "x", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hello"}}]},
    {"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"id": "x", "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}},
]


class ModelServer(BaseHTTPRequestHandler):
    """A server of two models behind a key, of which one can be called."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:  # standard error belongs to the commands
        pass

    def do_GET(self) -> None:
        if self.headers["authorization"] != "Bearer right":
            self.answer(401, b"{}")
        elif self.path == "/v1/models":
            self.answer(200, json.dumps({"data": [{"id": "m1"}, {"id": "m2"}]}).encode())
        else:
            self.answer(404, b"{}")

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if asked["model"] != "m1":
            self.answer(404, b'{"error":{"message":"no such model here"}}')
        else:
            self.answer(
                200, b"".join(b"data: %b\n\n" % json.dumps(each).encode() for each in CHUNKS) + b"data: [DONE]\n\n"
            )

    def answer(self, status: int, body: bytes) -> None:
        """Send a whole answer."""
        self.send_response(status)
        self.send_header("content-type", "text/event-stream" if body.startswith(b"data") else "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[str]:
    """Run the model server; gives its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), ModelServer) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    """Give a file with the right key."""
    (tmp_path / "key").write_text("right\n")
    return str(tmp_path / "key")


@pytest.fixture
def words(server: str, key_file: str) -> dict[str, str]:
    """Give the words that the cases of a trial leave open."""
    wrong = Path(key_file).with_name("wrong")
    wrong.write_text("wrong")
    return {"server": server, "rest": server.removeprefix("http"), "key": key_file, "wrong": str(wrong)}


def test_without_upstreams_the_next_step_is_shown(run: Run) -> None:
    """A new installation has the built-in engine, and says how to connect more."""
    lines = run("upstreams", "list").out.splitlines()
    assert [line.split() for line in lines[:2]] == [
        ["NAME", "KIND", "BASE", "URL", "KEY", "IN", "SOURCE"],
        ["local", "local", "built-in"],
    ]
    assert lines[2].startswith("Connect a model server: setaria upstreams add NAME ")
    assert [each["id"] for each in run("upstreams", "list", "--json").json()] == ["local"]


def test_an_upstream_is_added_with_all_its_settings(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was said is shown again, paths from where the command was given; of headers only the names."""
    monkeypatch.chdir(tmp_path)
    flags = ["--base-url", f"{URL}/", "--key-file", "key", "--header", "x-team=blue=1", "--pass-field", "top_a"]
    flags += ["--pass-field", "min_p", "--concurrency", "8", "--ca-file", "/ca.pem"]
    made = run("upstreams", "add", "vllm", *flags, "--json").json()
    assert made == {
        "id": "vllm",
        "kind": "openai",
        "base_url": URL,
        "api_key_env": "",
        "api_key_file": str(tmp_path / "key"),
        "headers": ["x-team"],
        "pass_fields": ["top_a", "min_p"],
        "concurrency": 8,
        "ca_file": "/ca.pem",
        "source": "database",
    }
    assert run("upstreams", "list", "--json").json()[0] == made
    assert "blue" not in run("upstreams", "list").out


def test_what_to_think_of_is_said(run: Run) -> None:
    """An address that looks wrong, and a variable that a running server lacks, are noted; the next step is shown."""
    out = run("upstreams", "add", "a", "--base-url", "http://h:80", "--key-env", "MY_KEY").out
    assert "Try it: setaria upstreams test a\n" in out
    assert "Note: the base_url of a names no version" in out
    assert "Note: the server reads MY_KEY when it starts" in out


def test_the_file_s_entries_are_shown_and_not_changed(run: Run, data: Path) -> None:
    """They stand beside those of commands, which can't add, change or remove them."""
    data.mkdir()
    (data / "setaria.toml").write_text(FILE)
    run("upstreams", "add", "a", "--base-url", URL)
    run("models", "add", "m", "--upstream", "a")
    run("models", "add", "n", "--upstream", "filed", "--model", "N")
    assert [(each["id"], each["source"]) for each in run("upstreams", "list", "--json").json()] == [
        ("filed", "file"),
        ("a", "database"),
        ("local", "built-in"),
    ]
    models = run("models", "list", "--json").json()
    assert [(each["id"], each["source"], each["upstreams"]) for each in models] == [
        ("pro", "file", ["filed"]),
        ("m", "database", ["a"]),
        ("n", "database", ["filed"]),
        ("seedling", "built-in", ["local"]),
    ]
    for command in (
        ["upstreams", "remove", "filed"],
        ["models", "remove", "pro"],
        ["models", "add", "pro", "--upstream", "a"],
    ):
        ran = run(*command)
        assert (ran.code, ran.err.count("\n")) == (1, 1)
        assert ran.err.endswith("is in the configuration file; change it there\n")


def test_a_key_that_is_missing_stops_the_start(run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server does not start without a key that the file wants; other commands do their work."""
    data.mkdir()
    (data / "setaria.toml").write_text(FILE)
    monkeypatch.delenv("CLAUDE_KEY", raising=False)
    ran = run("serve")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(
        "setaria: the environment variable CLAUDE_KEY is not set or empty; the upstream filed takes"
    )
    assert run("keys", "list").code == 0


def test_a_name_that_came_into_the_file_later_is_told(run: Run, data: Path) -> None:
    """Where file and database have one name, the file counts, and the list says so on standard error."""
    run("upstreams", "add", "filed", "--base-url", URL)
    run("models", "add", "pro", "--upstream", "filed")
    (data / "setaria.toml").write_text(FILE)
    ran = run("models", "list", "--json")
    assert [(each["id"], each["source"]) for each in json.loads(ran.out)] == [("pro", "file"), ("seedling", "built-in")]
    assert ran.err.splitlines() == [
        "setaria: the upstream filed is in the file and in the database; the one in the file counts",
        "setaria: the name of the model pro is taken by another one, which counts; remove one of them",
    ]


def test_a_model_is_added_with_all_its_settings(run: Run) -> None:
    """What was said is shown again; a further deployment adds to it, and is taken away again."""
    for name in ("a", "b"):
        run("upstreams", "add", name, "--base-url", URL)
    flags = ["--upstream", "a", "--model", "org/M", "--weight", "3", "--thinking-style", "enable_thinking"]
    flags += ["--display-name", "M", "--description", "good", "--alias", "mm", "--context", "1000", "--output", "500"]
    flags += ["--capability", "tools", "--capability", "thinking", "--thinking", "disabled"]
    made = run("models", "add", "m", *flags, "--json").json()
    first = {"upstream": "a", "model": "org/M", "weight": 3, "thinking_style": "enable_thinking"}
    assert made == {
        "id": "m",
        "name": "M",
        "description": "good",
        "aliases": ["mm"],
        "context_tokens": 1000,
        "output_tokens": 500,
        "capabilities": ["thinking", "tools"],
        "thinking": "disabled",
        "upstreams": ["a"],
        "deployments": [first],
        "source": "database",
    }
    assert "The model m is served by b as m." in run("models", "add", "m", "--upstream", "b").out
    second = {"upstream": "b", "model": "m", "weight": 1, "thinking_style": "none"}
    assert run("models", "list", "--json").json()[0]["deployments"] == [first, second]
    assert run("models", "remove", "m", "--upstream", "a").out == "The model m is removed from a.\n"
    assert run("models", "list", "--json").json()[0]["deployments"] == [second]
    assert run("models", "remove", "m").out == "The model m is removed.\n"
    assert [each["id"] for each in run("models", "list", "--json").json()] == ["seedling"]
    assert run("upstreams", "remove", "b").out == "The upstream b is removed.\n"


def test_a_folder_becomes_a_model(run: Run) -> None:
    """A folder that the engine can serve is added with its own limits; one that lacks files is told what."""
    made = run("models", "add", "mine", "--local", str(SEEDLING_FOLDER), "--alias", "ours", "--json").json()
    assert (made["context_tokens"], made["output_tokens"], made["aliases"]) == (8192, 8192, ["ours"])
    assert made["deployments"][0]["model"] == str(SEEDLING_FOLDER)
    ran = run("models", "add", "other", "--local", "/")
    assert (ran.code, "it lacks model.onnx" in ran.err) == (1, True)
    assert "there is no folder /nowhere" in run("models", "add", "other", "--local", "/nowhere").err


@pytest.mark.parametrize(
    "model, problem",
    [
        ("m2", "m2 is not a model that can be served: the built-in engine has no model m2; it serves seedling"),
        ("/nowhere", "there is no folder /nowhere"),
        ("/", "the folder / lacks model.onnx, tokenizer.json, config.json"),
        (str(SEEDLING_FOLDER), ""),
        ("seedling", ""),
    ],
)
def test_the_engine_must_have_what_is_put_on_it(run: Run, model: str, problem: str) -> None:
    """A model on the upstream `local` is tried before it is added, as a folder is."""
    ran = run("models", "add", "m2", "--upstream", "local", "--model", model)
    assert (ran.code, problem in ran.err) == (int(bool(problem)), True)


@pytest.mark.parametrize(
    "arguments, code, problem",
    [
        (["upstreams", "add", "a", "--base-url", "h"], 1, "upstreams.base_url can't be that; allowed: an address"),
        (["upstreams", "add", "a"], 1, "the upstream a has no base_url"),
        (["upstreams", "add", "a", "--kind", "opnai"], 2, "--kind"),
        (["upstreams", "add", "a", "--base-url", URL, "--header", "x"], 2, "must look like NAME=VALUE"),
        (
            ["upstreams", "add", "a", "--base-url", URL, "--header", "api-key=x"],
            1,
            "the header api-key would show a sec",
        ),
        (["upstreams", "remove", "a"], 3, "there is no upstream 'a'"),
        (["upstreams", "test", "a"], 3, "there is no upstream 'a'"),
        (["models", "add", "m"], 2, "name the upstream that serves the model"),
        (["models", "add", "m", "--upstream", "a"], 3, "there is no upstream a; there are: local"),
        (
            ["models", "add", "m", "--upstream", "local", "--model", "seedling", "--capability", "fly"],
            1,
            "models.capabilities can't be 'fly'",
        ),
        (["models", "add", "m", "--local", "/", "--weight", "1"], 2, "--weight says nothing about a folder"),
        (["models", "remove", "m"], 3, "there is no model 'm'"),
        (["models", "remove", "seedling"], 1, "the model seedling is built in"),
        (["models", "test", "seedlin"], 3, "did you mean seedling?"),
    ],
)
def test_a_refusal_has_its_exit_code(run: Run, arguments: list[str], code: int, problem: str) -> None:
    """1 is refused, 2 wrong usage, 3 not found."""
    ran = run(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert problem in " ".join(ran.err.split())


def test_a_server_that_works_is_called(run: Run, server: str, key_file: str) -> None:
    """The server's models are told, one is asked, and its counts are shown; by the model's name too."""
    run("upstreams", "add", "a", "--base-url", f"{server}/v1", "--key-file", key_file)
    findings = run("upstreams", "test", "a", "--json").json()
    assert [(each["id"], each["ok"]) for each in findings] == [("address", True), ("call", True)]
    assert findings[0]["says"] == f"{server}/v1 answers and lists m1, m2"
    assert findings[1]["says"].endswith("ms, 5 tokens in, 2 out")
    run("models", "add", "m", "--upstream", "a", "--model", "m1")
    assert [line[:16] for line in run("models", "test", "m").out.splitlines()] == [
        "ok    address   ",
        "ok    call      ",
    ]


@pytest.mark.parametrize(
    "url, flags, problem, remedy",
    [
        ("{server}/v1", [], "key a wants a key", "Give it one: --key-file or --key-env."),
        ("{server}/v1", ["--key-file", "{wrong}"], "key a refuses the key (status 401)", "Check the key in {wrong}."),
        (
            "{server}",
            ["--key-file", "{key}"],
            "address {server} answers, but has no models",
            "Make the base_url {server}/v1",
        ),
        ("{server}/v2", ["--key-file", "{key}"], "model a lists no models (status 404)", "Name a model with --model."),
        ("{server}/v1", ["--key-file", "/nowhere"], "settings the API key of the upstream a can't be read", "Mend it"),
        ("{server}/v1", ["--key-env", "NO_SUCH"], "settings the environment variable NO_SUCH is not set", "Mend it"),
        ("http://127.0.0.1:1/v1", [], "address a can't be reached: nothing listens at 127.0.0.1:1", "Start the model"),
        (
            "http://no.invalid/v1",
            [],
            "address a can't be reached: the host of no.invalid is not known",
            "Mend the host",
        ),
        (
            "https{rest}/v1",
            [],
            "address a can't be reached: it does not speak TLS",
            "The server may speak http without",
        ),
    ],
)
def test_what_is_wrong_comes_with_its_remedy(
    run: Run, words: dict[str, str], url: str, flags: list[str], problem: str, remedy: str
) -> None:
    """Each fault is told in plain words and how to mend it, and the exit code is 1."""
    run("upstreams", "add", "a", "--base-url", url.format(**words), *(flag.format(**words) for flag in flags))
    ran = run("upstreams", "test", "a")
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert (ran.code, ran.err) == (1, "")
    assert lines[-2].startswith(f"FAIL {problem.format(**words)}")
    assert lines[-1].startswith(remedy.format(**words))


def test_a_model_that_a_server_does_not_have_is_told(run: Run, server: str, key_file: str) -> None:
    """The server's words are shown, and the names that it has."""
    run("upstreams", "add", "a", "--base-url", f"{server}/v1", "--key-file", key_file)
    ran = run("upstreams", "test", "a", "--model", "m3")
    assert ran.code == 1
    assert [line.strip() for line in ran.out.splitlines()[-2:]] == [
        "FAIL  call          m3: the model server found nothing (status 404: no such model here); tell its operator",
        "The server does not list m3; it has m1, m2.",
    ]


def test_the_engine_is_tried_where_the_server_runs(run: Run) -> None:
    """Without a server there is no engine to try, which is said; a folder that is gone is told too."""
    for command in (["upstreams", "test", "local"], ["models", "test", "seedling"]):
        ran = run(*command)
        assert (ran.code, "Start the server, `setaria serve`" in ran.out) == (1, True)
    ran = run("upstreams", "test", "local", "--model", "/nowhere")
    assert (ran.code, "there is no folder /nowhere" in ran.out) == (1, True)

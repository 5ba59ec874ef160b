"""What happens to the processes, and to the calls, when something dies, leaves or is ended."""

import asyncio
import contextlib
import datetime
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from setaria.entrypoints.api.readiness import REMEMBERED_S
from tests.end_to_end.running import PROGRAM, Running, running, wait_for

SLOW_S = 10.0
"""Long enough for a busy machine, and far too short for what would happen without the mechanism under test."""

HELLO: Any = {"model": "seedling", "messages": [{"role": "user", "content": "Hello"}]}
NUMBERS: Any = {"type": "array", "items": {"type": "integer"}, "minItems": 800}
LONG: Any = {  # whatever the weights: the form that is asked for can't be filled in less than 1,600 tokens
    "model": "seedling",
    "messages": [{"role": "user", "content": "Tell me everything."}],
    "thinking": {"type": "disabled"},
    "response_format": {"type": "json_schema", "json_schema": {"name": "numbers", "schema": NUMBERS}},
    "max_tokens": 2048,
}


def open_stream(platform: Running, body: dict[str, Any]) -> socket.socket:
    """Send a request for a stream and give the socket once the first bytes of the answer are there."""
    host, port = platform.base_url.removeprefix("http://").split(":")
    line = socket.create_connection((host, int(port)), timeout=30)
    content = json.dumps(body | {"stream": True}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {platform.key}\r\n"
        f"content-length: {len(content)}\r\n\r\n"
    )
    line.sendall(head.encode() + content)
    line.setblocking(True)
    assert line.recv(1, socket.MSG_PEEK)
    return line


def read_to_end(line: socket.socket) -> bytes:
    """Read until the stream's last chunk or the connection's end, and close."""
    content = b""
    line.settimeout(30)
    with line:
        while not content.endswith(b"0\r\n\r\n"):
            more = line.recv(65536)
            if not more:
                break
            content += more
    return content


def call_id_of(answer: bytes) -> str:
    """Find the call's id in an answer's head."""
    return answer.split(b"x-request-id: ")[1][:32].decode()


def test_the_banner_leads_a_person_to_a_first_answer(data: Path) -> None:
    """The banner names both base URLs, the model and a command to try; the key is in a private file."""
    with running(data) as platform:
        assert f"OpenAI base URL      {platform.base_url}/v1" in platform.banner
        assert f"Anthropic base URL   {platform.base_url}/anthropic" in platform.banner
        assert "seedling" in platform.banner
        assert platform.key not in platform.banner
        assert (data / "first-key").stat().st_mode & 0o777 == 0o600
        assert platform.post("/v1/chat/completions", HELLO)["choices"][0]["message"]["content"]


def test_a_second_start_shows_no_key_and_keeps_everything(data: Path) -> None:
    """Keys and calls are there after a restart, and no new key is made."""
    with running(data) as platform:
        key = platform.key
        first = platform.post("/v1/chat/completions", HELLO)["id"]
        assert platform.stop() == 0
    (data / "first-key").unlink()
    with running(data) as platform:
        assert not (data / "first-key").exists()
        assert "sk-" not in platform.banner
        platform.key = key
        second = platform.post("/v1/chat/completions", HELLO)["id"]
        assert [row["id"] for row in platform.calls()] == [second, first]


def test_a_second_server_on_the_folder_is_refused(platform: Running) -> None:
    """One folder, one server; the message says what to do."""
    done = subprocess.run(
        [PROGRAM, "--data", platform.data, "serve", "--port", "0"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "another server" in done.stderr


def test_a_port_in_use_is_told(platform: Running, data: Path) -> None:
    """The message names the port and the flag."""
    port = platform.base_url.rpartition(":")[2]
    done = subprocess.run(
        [PROGRAM, "--data", data, "serve", "--port", port], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "--port" in done.stderr
    assert (data / "first-key").read_text().startswith("sk-")


def test_a_revoked_key_is_refused_within_a_second(platform: Running) -> None:
    """Revoking works from another process while the server runs."""
    made = json.loads(platform.command("keys", "create", "--account", "default", "--name", "short", "--json"))
    with openai.OpenAI(base_url=f"{platform.base_url}/v1", api_key=made["key"], max_retries=0) as client:
        client.models.list()
        platform.command("keys", "revoke", made["id"])
        revoked_s = time.monotonic()

        def refused() -> bool:
            try:
                client.models.list()
            except openai.AuthenticationError:
                return True
            return False

        wait_for(refused)
    assert time.monotonic() - revoked_s < SLOW_S


def test_sixty_four_streams_at_once_all_end_well(platform: Running) -> None:
    """Every stream has its finish reason, its usage and its end mark, and one row."""

    async def one(client: openai.AsyncOpenAI, number: int) -> tuple[str, bool]:
        finish, usage, call_id = None, None, ""
        stream = await client.chat.completions.create(
            model="seedling", messages=[{"role": "user", "content": f"Hello, I am number {number}."}], stream=True
        )
        async for chunk in stream:
            call_id = chunk.id
            usage = chunk.usage or usage
            finish = chunk.choices[0].finish_reason or finish if chunk.choices else finish
        return call_id, finish == "stop" and usage is not None

    async def all_of_them() -> list[tuple[str, bool]]:
        async with openai.AsyncOpenAI(
            base_url=f"{platform.base_url}/v1", api_key=platform.key, max_retries=0
        ) as client:
            return await asyncio.gather(*(one(client, number) for number in range(64)))

    ended = asyncio.run(all_of_them())
    assert all(well for _, well in ended)
    rows = {row["id"]: row["ending"] for row in platform.calls(limit=100)}
    assert [rows[call_id] for call_id, _ in ended] == ["completed"] * 64


def test_a_client_that_leaves_is_on_the_books_at_once(platform: Running) -> None:
    """The row says client_gone, with the tokens seen, and the answer was stopped within 100 ms."""
    line = open_stream(platform, LONG)
    call_id = call_id_of(line.recv(65536))
    left_ms = time.time() * 1000
    line.close()
    row = platform.call_row(call_id)
    assert (row["ending"], row["counts_from"]) == ("client_gone", "upstream")
    assert 0 < row["output_tokens"] < 2048
    ended = next(each for each in platform.log_lines if each.get("call") == call_id)
    assert ended["event"] == "call"
    ended_ms = _milliseconds(ended["timestamp"])
    assert ended_ms - left_ms < SLOW_S * 1000


def test_a_client_that_leaves_before_a_whole_answer_is_noticed(platform: Running) -> None:
    """A call without a stream is cancelled when its client closes, though nothing was to be written to it yet."""
    first = platform.post("/v1/chat/completions", HELLO)["id"]
    wait_for(lambda: [each for each in platform.log_lines if each.get("call") == first])
    host, port = platform.base_url.removeprefix("http://").split(":")
    content = json.dumps(LONG).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\napi-key: {platform.key}\r\n"
    before = len(platform.log_lines)
    engine = platform.pids("engine")[0]
    os.kill(engine, signal.SIGSTOP)
    try:
        with socket.create_connection((host, int(port))) as line:
            line.sendall(f"{head}content-length: {len(content)}\r\n\r\n".encode() + content)
            time.sleep(0.05)
        left_ms = time.time() * 1000
        ended = wait_for(lambda: [each for each in platform.log_lines[before:] if each["event"] == "call"])
    finally:
        os.kill(engine, signal.SIGCONT)
    assert ended[0]["ending"] == "client_gone"
    assert _milliseconds(ended[0]["timestamp"]) - left_ms < SLOW_S * 1000


def test_kill_of_the_engine_is_an_error_and_then_over(data: Path) -> None:
    """Calls under way get an error in their protocol, and the next call works."""
    with running(data) as platform:
        platform.post("/v1/chat/completions", HELLO)
        line = open_stream(platform, LONG)
        os.kill(platform.pids("engine")[0], signal.SIGKILL)
        answer = read_to_end(line)
        assert b'"error"' in answer
        assert b"[DONE]" not in answer
        assert platform.call_row(call_id_of(answer))["ending"] == "upstream_cut"
        assert platform.post("/v1/chat/completions", HELLO)["choices"][0]["finish_reason"] == "stop"


def test_kill_of_a_worker_is_mended_within_two_seconds(data: Path) -> None:
    """The parent starts another worker, and calls are answered again."""
    with running(data) as platform:
        old = platform.pids("worker")
        os.kill(old[0], signal.SIGKILL)
        killed_s = time.monotonic()

        def answered() -> bool:
            try:
                platform.post("/v1/chat/completions", HELLO)
            except (urllib.error.URLError, ConnectionError):
                return False
            return True

        wait_for(answered)
        assert time.monotonic() - killed_s < SLOW_S
        assert platform.pids("worker") != old


def test_kill_of_everything_loses_no_call_whose_answer_was_whole(data: Path) -> None:
    """After kill -9 of all processes under load, each whole answer has its row."""
    whole: list[str] = []

    async def ask(client: openai.AsyncOpenAI) -> None:
        while True:
            try:
                answer = await client.chat.completions.create(**HELLO)
            except openai.APIError:
                return
            whole.append(answer.id)

    async def load(platform: Running) -> None:
        async with openai.AsyncOpenAI(
            base_url=f"{platform.base_url}/v1", api_key=platform.key, max_retries=0
        ) as client:
            asking = [asyncio.create_task(ask(client)) for _ in range(16)]
            while len(whole) < 40:  # noqa: ASYNC110 - nothing tells when
                await asyncio.sleep(0.01)
            for name in ("worker", "engine"):
                for pid in platform.pids(name):
                    os.kill(pid, signal.SIGKILL)
            platform.process.kill()
            await asyncio.gather(*asking)

    with running(data) as platform:
        asyncio.run(load(platform))
        platform.process.wait()
    with running(data) as platform:
        rows = {row["id"] for row in platform.calls(limit=1000)}
    assert set(whole) - rows == set()


def test_a_dead_parent_takes_its_children_along(data: Path) -> None:
    """After kill -9 of the parent no process is left, and the port is free again."""
    with running(data) as platform:
        platform.post("/v1/chat/completions", HELLO)
        children = platform.pids("worker") + platform.pids("engine")
        assert len(children) == 2
        platform.process.kill()
        platform.process.wait()
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_lets_a_stream_end_and_exits_with_0(data: Path, number: signal.Signals) -> None:
    """A stream under way is finished within the grace period, whichever way the end is asked for."""
    with running(data) as platform:
        platform.post("/v1/chat/completions", HELLO)
        line = open_stream(platform, HELLO)
        platform.process.send_signal(number)
        assert platform.process.wait(timeout=30) == 0
        assert b"[DONE]" in read_to_end(line)


def test_sigterm_ends_a_stream_that_outlasts_the_grace(data: Path) -> None:
    """It gets an error in its protocol, and its row says shutdown."""
    with running(data, environment={"SETARIA_SERVER_GRACE_S": "0"}) as platform:
        platform.post("/v1/chat/completions", HELLO)
        line = open_stream(platform, LONG)
        assert platform.stop() == 0
        answer = read_to_end(line)
        assert b"shutting down" in answer
        assert b"[DONE]" not in answer
        assert platform.call_row(call_id_of(answer))["ending"] == "shutdown"


def test_a_second_signal_cuts_the_grace_short(data: Path) -> None:
    """The stream gets an error in its protocol, its row says shutdown, and the exit code tells that it was cut."""
    with running(data) as platform:
        platform.post("/v1/chat/completions", HELLO)
        line = open_stream(platform, LONG)
        platform.process.send_signal(signal.SIGINT)
        wait_for(lambda: not _accepts(platform))
        platform.process.send_signal(signal.SIGINT)
        assert platform.process.wait(timeout=SLOW_S) == 1
        answer = read_to_end(line)
        assert b"shutting down" in answer
        assert b"[DONE]" not in answer
        assert platform.call_row(call_id_of(answer))["ending"] == "shutdown"


def _accepts(platform: Running) -> bool:
    """Tell whether the server takes connections."""
    host, port = platform.base_url.removeprefix("http://").split(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=5):
        return True
    return False


def readiness(platform: Running) -> int:
    """Ask whether calls can be answered."""
    try:
        with urllib.request.urlopen(f"{platform.base_url}/readyz", timeout=30) as answer:  # noqa: S310 - our own
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return refusal.code


def test_readiness_is_tried_for_real(data: Path) -> None:
    """It starts the engine, and a database that was removed or replaced under the server makes it fail."""
    with running(data) as platform:
        assert platform.pids("engine") == []
        wait_for(lambda: readiness(platform) == 200)
        assert len(platform.pids("engine")) == 1
        database, elsewhere = data / "setaria.db", data / "elsewhere"
        database.rename(elsewhere)
        wait_for(lambda: readiness(platform) == 503)
        platform.command("accounts", "list", code=1)
        assert not database.exists()
        database.write_bytes(elsewhere.read_bytes())
        time.sleep(REMEMBERED_S)
        assert readiness(platform) == 503
        database.unlink()
        elsewhere.rename(database)
        wait_for(lambda: readiness(platform) == 200)


def test_a_banner_that_can_not_be_shown_stops_nothing(data: Path) -> None:
    """A server whose standard output is full serves all the same, and ends without a complaint."""
    log_file = data.with_name("log")
    with log_file.open("wb") as log, Path("/dev/full").open("wb") as full:
        process = subprocess.Popen([PROGRAM, "--data", data, "serve", "--port", "0"], stdout=full, stderr=log)
    try:
        wait_for(lambda: "banner_not_shown" in log_file.read_text() or process.poll() is not None, 30.0)
        assert (data / "first-key").read_text().startswith("sk-")
        process.terminate()
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
    assert all(line.startswith("{") for line in log_file.read_text().splitlines())


def test_several_workers_share_the_port(data: Path) -> None:
    """All workers answer, and the counter of changes reaches all of them."""
    with running(data, "--workers", "3") as platform:
        assert len(platform.pids("worker")) == 3
        made = json.loads(platform.command("keys", "create", "--account", "default", "--json"))
        platform.key = made["key"]
        for _ in range(12):
            platform.post("/v1/chat/completions", HELLO)
        platform.command("keys", "revoke", made["id"])
        time.sleep(1.0)
        for _ in range(12):
            with pytest.raises(urllib.error.HTTPError, match="401"):
                platform.post("/v1/chat/completions", HELLO)


def test_it_runs_on_postgresql(data: Path, postgres_url: str) -> None:
    """The same platform with its accounts, keys and calls in PostgreSQL."""
    environment = {"SETARIA_DATABASE_URL": postgres_url}
    with running(data, environment=environment) as platform:
        answer = platform.post("/v1/chat/completions", HELLO)
        os.environ["SETARIA_DATABASE_URL"] = postgres_url
        try:
            assert [row["id"] for row in platform.calls()] == [answer["id"]]
        finally:
            del os.environ["SETARIA_DATABASE_URL"]
        assert not (data / "setaria.db").exists()


def test_neither_keys_nor_prompts_reach_the_log(data: Path) -> None:
    """A canary in any text of a call, a header, a bad field or a mistyped key is in no file but the client's own."""
    canary = "canary7f3a"
    said: Any = [{"role": "user", "content": f"Repeat after me: {canary}"}]
    parameters = {"type": "object", "properties": {canary: {"type": "string", "description": canary}}}
    tool: Any = {"type": "function", "function": {"name": canary, "description": canary, "parameters": parameters}}
    named: Any = {"type": "function", "function": {"name": canary}}
    ours: Any = {"name": canary, "description": canary, "input_schema": parameters}
    theirs: Any = {"type": f"{canary}_20250101", "name": canary}
    bad: list[Any] = [
        {"model": canary},
        {"messages": [{"role": canary, "content": "x"}]},
        {"stop": {"a": canary}},
        {"tools": [{"type": canary}]},
        {"tool_choice": named},
    ]
    with running(data) as platform, contextlib.ExitStack() as stack:
        base = platform.base_url
        client = stack.enter_context(openai.OpenAI(base_url=f"{base}/v1", api_key=platform.key, max_retries=0))
        other = stack.enter_context(
            anthropic.Anthropic(base_url=f"{base}/anthropic", api_key=platform.key, max_retries=0)
        )
        stranger = stack.enter_context(openai.OpenAI(base_url=f"{base}/v1", api_key=f"sk-{canary}", max_retries=0))
        client.chat.completions.create(
            model="seedling", messages=said, stop=[canary], extra_headers={"x-title": canary}, extra_body={canary: 1}
        )
        client.chat.completions.create(model="seedling", messages=said, tools=[tool], tool_choice=named, max_tokens=20)
        other.messages.create(
            model="seedling",
            max_tokens=20,
            messages=said,
            system=canary,
            tools=[ours, theirs],
            metadata={"user_id": canary},
            stop_sequences=[canary],
            tool_choice={"type": "tool", "name": canary},
            extra_headers={"x-claude-code-session-id": canary, "anthropic-beta": canary, "user-agent": canary},
        )
        for broken in bad:
            with pytest.raises(openai.BadRequestError):
                client.chat.completions.create(**({"model": "seedling", "messages": said} | broken))
        with pytest.raises(openai.AuthenticationError):
            stranger.models.list()
        platform.stop()
        written = platform.log + platform.banner
        assert canary not in written
        assert platform.key not in written
        assert platform.key[3:35] not in written
        for file in data.rglob("*"):
            if file.is_file() and file.name != "first-key":
                content = file.read_bytes()
                assert canary.encode() not in content, file
                assert platform.key.encode() not in content, file


def _milliseconds(timestamp: str) -> float:
    """Read a log line's moment."""
    return datetime.datetime.fromisoformat(timestamp).timestamp() * 1000

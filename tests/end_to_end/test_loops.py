"""Loops of tool calls with both SDKs through the real platform, in all pairings with the protocols of model servers.

`make clients` does the same with real tools.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from tests.clients.__main__ import CONFIG
from tests.clients.sdk_loops import run_anthropic, run_openai
from tests.end_to_end.faults import Upstream
from tests.end_to_end.running import Running, running
from tests.fault_server.said import INPUT_TOKENS, OUTPUT_TOKENS
from tests.fault_server.thread import fault_server

WORD = "secret-0123456789ab"
CALLS = 3
RUNS = {"openai_chat": run_openai, "anthropic_messages": run_anthropic}


@pytest.fixture(scope="module")
def looping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Give a platform before a model server whose model calls the tools that it is offered."""
    data = tmp_path_factory.mktemp("loops") / "data"
    data.mkdir()
    with fault_server() as server:
        (data / "setaria.toml").write_text(CONFIG.format(url=server.url))
        with running(data) as platform:
            yield platform


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("upstream", get_args(Upstream))
@pytest.mark.parametrize("protocol", RUNS)
def test_a_loop_comes_to_its_end(
    protocol: str, upstream: Upstream, stream: bool, looping: Running, tmp_path: Path
) -> None:
    """What a file says reaches the model, comes back as a call that writes it, and every call is on the books."""
    (tmp_path / "hello.txt").write_text(f"The word is {WORD}.")
    prompt = f"Read {tmp_path}/hello.txt, write its word into {tmp_path}/out.txt, then say it."
    text = RUNS[protocol](looping.base_url, looping.key, f"loop-{upstream}", prompt, stream=stream)
    assert text == f"The word is {WORD}."
    assert (tmp_path / "out.txt").read_text().strip() == WORD
    rows = looping.calls(CALLS)
    assert {(row["protocol"], row["upstream"], row["stream"]) for row in rows} == {(protocol, upstream, stream)}
    taken = {(row["ending"], row["input_tokens"] + row["cached_input_tokens"], row["output_tokens"]) for row in rows}
    assert taken == {("completed", INPUT_TOKENS, OUTPUT_TOKENS)}

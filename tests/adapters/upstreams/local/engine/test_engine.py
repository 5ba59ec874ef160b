"""The engine's two threads, when something goes wrong in them."""

import queue
import shutil
from pathlib import Path

import pytest

from setaria.adapters.upstreams.local.engine.call import Call, failed_from_error
from setaria.adapters.upstreams.local.engine.engine import Engine
from setaria.adapters.upstreams.local.engine.scheduler import Scheduler
from setaria.adapters.upstreams.local.frames import Failed, Pong, Tell
from setaria.core.errors import ContextOverflow, InvalidRequest, UpstreamBusy, UpstreamFailed

FAILURES = [
    (ContextOverflow(9, 8), Failed("a", "context", "prompt is too long: 9 tokens > 8 maximum", None, 9, 8)),
    (UpstreamBusy("wait", retry_after_s=1), Failed("a", "busy", "wait", 1)),
    (InvalidRequest("no"), Failed("a", "invalid", "no")),
    (UpstreamFailed("broken"), Failed("a", "failed", "broken")),
    (KeyError("a prompt's words"), Failed("a", "failed", "the local engine failed with KeyError")),
]


class Waiting:
    """An outlet that can be waited on."""

    def __init__(self) -> None:
        self.told: queue.SimpleQueue[Tell] = queue.SimpleQueue()

    def deliver(self, tells: list[Tell]) -> None:
        """Hand them to whoever waits."""
        for tell in tells:
            self.told.put(tell)


def ping(engine: Engine) -> Tell:
    """Ping the engine and wait for what it tells."""
    waiting = Waiting()
    engine.ping(Call("p", waiting))
    return waiting.told.get(timeout=20)


@pytest.mark.parametrize("error,expected", FAILURES)
def test_errors_are_told_by_their_kind(error: Exception, expected: Failed) -> None:
    """Each kind of error has its kind of failure; of an unforeseen one only the class is told."""
    assert failed_from_error("a", error) == expected


@pytest.mark.parametrize("name", ["model.onnx", "model.onnx.data", "tokenizer.json"])
def test_a_damaged_file_is_told_and_can_be_mended(seedling_folder: Path, tmp_path: Path, name: str) -> None:
    """A damaged folder gives a failure that names it; once it is mended the same engine answers."""
    folder = shutil.copytree(seedling_folder, tmp_path / "model")
    (folder / name).write_bytes(b"{")
    crashes: list[BaseException] = []
    engine = Engine(folder, crashes.append)
    told = ping(engine)
    assert isinstance(told, Failed)
    assert (told.kind, f"the model in {folder.name} cannot be loaded" in told.message) == ("failed", True)
    assert str(folder) not in told.message
    shutil.copy(seedling_folder / name, folder / name)
    assert (ping(engine), crashes) == (Pong("p"), [])
    engine.close()


def test_the_end_of_the_decoding_thread_is_told(seedling_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that no call is to blame for reaches whoever made the engine."""

    def break_down(scheduler: Scheduler) -> bool:
        raise SystemError("broken for good")

    monkeypatch.setattr(Scheduler, "step", break_down)
    crashes: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
    engine = Engine(seedling_folder, crashes.put)
    ping(engine)
    assert isinstance(crashes.get(timeout=20), SystemError)
    engine.close()

"""Engine: one model and its two threads, one that reads prompts and one that decodes.

The model is loaded by the first thing asked of it, in the prompt thread, so that nobody else waits; when loading fails
the next ask tries again.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from setaria.adapters.upstreams.local.engine.call import Call, failed_from_error
from setaria.adapters.upstreams.local.engine.memory import give_back
from setaria.adapters.upstreams.local.engine.model import load_model
from setaria.adapters.upstreams.local.engine.runs import Runs
from setaria.adapters.upstreams.local.engine.scheduler import Scheduler
from setaria.adapters.upstreams.local.frames import Counted, ModelFigures, Pong
from setaria.core.dialogue import Dialogue
from setaria.core.errors import SetariaError, UpstreamFailed


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What there is once the model is loaded."""

    runs: Runs
    scheduler: Scheduler


class Engine:
    """Answers the calls for one model folder. `on_crash` hears of an error that no single call is to blame for."""

    def __init__(self, folder: Path, on_crash: Callable[[BaseException], None]) -> None:
        self._folder = folder
        self._on_crash = on_crash
        self._loaded: _Loaded | None = None
        self._prompt_thread = ThreadPoolExecutor(1, "prompts")
        self._decoding_thread = ThreadPoolExecutor(1, "decoding")

    def generate(self, call: Call, dialogue: Dialogue) -> None:
        """Answer a dialogue; what there is to tell goes to the call's outlet."""
        self._work(call, lambda: self._generate(call, dialogue))

    def count(self, call: Call, dialogue: Dialogue) -> None:
        """Tell how many tokens a dialogue would be read as."""
        self._work(call, lambda: self._count(call, dialogue))

    def ping(self, call: Call) -> None:
        """Load the model if need be, and tell that it answers."""
        self._work(call, lambda: self._ping(call))

    def figures(self, name: str) -> ModelFigures | None:
        """Tell how busy the model is, under this name; None while it is not loaded."""
        return None if self._loaded is None else self._loaded.scheduler.figures(name)

    def close(self) -> None:
        """Stop both threads after what they are at."""
        if self._loaded is not None:
            self._loaded.scheduler.stop()
        self._prompt_thread.shutdown(wait=False, cancel_futures=True)
        self._decoding_thread.shutdown(wait=False)

    def _work(self, call: Call, work: Callable[[], None]) -> None:
        self._prompt_thread.submit(work).add_done_callback(lambda done: self._tell_failure(call, done))

    def _generate(self, call: Call, dialogue: Dialogue) -> None:
        if call.cancelled:
            return
        loaded = self._load()
        loaded.scheduler.submit(loaded.runs.make(call, dialogue))

    def _count(self, call: Call, dialogue: Dialogue) -> None:
        call.outlet.deliver([Counted(call.id, self._load().runs.count(dialogue))])

    def _ping(self, call: Call) -> None:
        self._load()
        call.outlet.deliver([Pong(call.id)])

    def _load(self) -> _Loaded:
        if self._loaded is None:
            model = load_model(self._folder)
            scheduler = Scheduler(model)
            self._decoding_thread.submit(scheduler.run).add_done_callback(self._tell_crash)
            self._loaded = _Loaded(Runs(model), scheduler)
            give_back()
        return self._loaded

    def _tell_failure(self, call: Call, done: Future[None]) -> None:
        """Tell the worker what went wrong before its call could start."""
        error = None if done.cancelled() else done.exception()
        if error is None:
            return
        if self._loaded is None:
            cause = f"the model in {self._folder} cannot be loaded: {error}"
            reason = error.message if isinstance(error, SetariaError) else cause
            error = UpstreamFailed(reason.replace(str(self._folder), self._folder.name))  # callers see it: no path
        call.outlet.deliver([failed_from_error(call.id, error)])

    def _tell_crash(self, done: Future[None]) -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None:
            self._on_crash(error)

"""Engine: one model and its two threads, one that reads prompts and one that decodes.

The model is loaded by the first thing asked of it, in the prompt thread, so that nobody else waits; when loading fails
the next ask tries again.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from setaria.adapters.upstreams.local.engine.call import Call, failed_from_error
from setaria.adapters.upstreams.local.engine.model import LocalModel, load_model
from setaria.adapters.upstreams.local.engine.prompt import PromptReader
from setaria.adapters.upstreams.local.engine.sampling import Sampler
from setaria.adapters.upstreams.local.engine.scheduler import Run, Scheduler
from setaria.adapters.upstreams.local.engine.template import offered_tools
from setaria.adapters.upstreams.local.engine.text import TextReader
from setaria.adapters.upstreams.local.engine.vocabulary import Vocabulary
from setaria.adapters.upstreams.local.frames import Counted, Pong
from setaria.core.dialogue import Dialogue
from setaria.core.errors import SetariaError, UpstreamFailed

_CALL_MARKERS = ("<tool_call>", "<function=")
_THINKING_MARKER = "<think>"


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What there is once the model is loaded."""

    model: LocalModel
    prompts: PromptReader
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
        prompt = loaded.prompts.read(dialogue)
        vocabulary = loaded.model.vocabulary
        sampler = Sampler(dialogue.sampling, banned_ids(dialogue, vocabulary))
        text = TextReader(vocabulary, dialogue.sampling.stop, "thinking" if prompt.inside_thinking else "answer")
        loaded.scheduler.submit(Run(call, prompt, sampler, text))

    def _count(self, call: Call, dialogue: Dialogue) -> None:
        prompt = self._load().prompts.read(dialogue)
        call.outlet.deliver([Counted(call.id, len(prompt.ids))])

    def _ping(self, call: Call) -> None:
        self._load()
        call.outlet.deliver([Pong(call.id)])

    def _load(self) -> _Loaded:
        if self._loaded is None:
            model = load_model(self._folder)
            scheduler = Scheduler(model)
            self._decoding_thread.submit(scheduler.run).add_done_callback(self._tell_crash)
            self._loaded = _Loaded(model, PromptReader(model), scheduler)
        return self._loaded

    def _tell_failure(self, call: Call, done: Future[None]) -> None:
        """Tell the worker what went wrong before its call could start."""
        error = None if done.cancelled() else done.exception()
        if error is None:
            return
        if self._loaded is None and not isinstance(error, SetariaError):
            error = UpstreamFailed(f"the model in {self._folder} cannot be loaded: {error}")
        call.outlet.deliver([failed_from_error(call.id, error)])

    def _tell_crash(self, done: Future[None]) -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None:
            self._on_crash(error)


def banned_ids(dialogue: Dialogue, vocabulary: Vocabulary) -> set[int]:
    """Give the tokens that this answer may not hold: no call where no tool is offered, no thinking where it is off."""
    markers = [] if offered_tools(dialogue) else [*_CALL_MARKERS]
    if not dialogue.thinking:
        markers.append(_THINKING_MARKER)
    found = (vocabulary.find(marker) for marker in markers)
    return {token_id for token_id in found if token_id is not None}

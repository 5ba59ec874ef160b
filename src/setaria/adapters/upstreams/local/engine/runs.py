"""Runs: makes of each dialogue what the scheduler takes."""

from setaria.adapters.upstreams.local.engine.call import Call
from setaria.adapters.upstreams.local.engine.guide import Guides
from setaria.adapters.upstreams.local.engine.model import LocalModel
from setaria.adapters.upstreams.local.engine.prompt import PromptReader
from setaria.adapters.upstreams.local.engine.sampling import Sampler
from setaria.adapters.upstreams.local.engine.scheduler import Run
from setaria.adapters.upstreams.local.engine.text import Place, TextReader
from setaria.core.dialogue import Dialogue


class Runs:
    """Makes the runs of one model; used by one thread."""

    def __init__(self, model: LocalModel) -> None:
        self._vocabulary = model.vocabulary
        self._prompts = PromptReader(model)
        self._guides = Guides(model)

    def make(self, call: Call, dialogue: Dialogue) -> Run:
        """Make the run that answers a dialogue.

        Raises: ContextOverflow; InvalidRequest, for a form of answer that cannot be kept to.
        """
        prompt = self._prompts.read(dialogue)
        guide = self._guides.open(dialogue, inside_thinking=prompt.inside_thinking)
        place: Place = "thinking" if prompt.inside_thinking else "answer"
        text = TextReader(self._vocabulary, dialogue.sampling.stop, place)
        return Run(call, prompt, Sampler(dialogue.sampling), guide, text)

    def count(self, dialogue: Dialogue) -> int:
        """Count the tokens that a dialogue is read as.

        Raises: ContextOverflow, InvalidRequest.
        """
        return len(self._prompts.read(dialogue).ids)

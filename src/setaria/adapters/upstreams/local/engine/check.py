"""Check: tells what keeps a model folder from being served.

It goes further than loading does: the model reads two tokens and writes one, as it would for a call.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from setaria.adapters.upstreams.local.engine.model import LocalModel, load_model
from setaria.adapters.upstreams.local.engine.network import Logits
from setaria.adapters.upstreams.local.engine.runs import Runs
from setaria.adapters.upstreams.local.engine.slots import Slots
from setaria.adapters.upstreams.local.folder import find_missing
from setaria.core.errors import SetariaError

_IN_PLACE = b"GroupQueryAttention"
_OTHER_ATTENTION = (
    "model.onnx has no GroupQueryAttention, which extends its cache in place; "
    "export the model with `python -m onnxruntime_genai.models.builder`"
)
_REASON_CHARS = 300


def check_model_folder(folder: Path) -> list[str]:
    """Tell in plain words what is missing from a model folder or unsupported; nothing when it can be served.

    Cost: as long as loading the model.
    """
    missing = [f"it lacks {name}" for name in find_missing(folder)]
    if missing:
        return missing
    if _IN_PLACE not in (folder / "model.onnx").read_bytes():
        return [_OTHER_ATTENTION]
    with ThreadPoolExecutor(1) as thread:
        loading = thread.submit(load_model, folder)
        error = loading.exception()
        if error is not None:
            return [_reason(error)]
        trials: dict[str, Future[Runs] | Future[None]] = {
            "chat template or tokenizer": thread.submit(Runs, loading.result()),
            "network": thread.submit(_try_network, loading.result()),
        }
    errors = {what: trial.exception() for what, trial in trials.items()}
    return [f"its {what} does not work: {_reason(error)}" for what, error in errors.items() if error is not None]


def _reason(error: BaseException) -> str:
    """Tell what went wrong; the libraries raise plain `Exception`, so it is read from a future."""
    message = error.message if isinstance(error, SetariaError) else f"{type(error).__name__}: {error}"
    return message[:_REASON_CHARS]


def _try_network(model: LocalModel) -> None:
    """Read two tokens and then one.

    Raises: ValueError when what comes of it are no scores of the vocabulary's tokens.
    """
    slots = Slots(model.network.shape, 1, model.context_tokens)
    slot = slots.open()
    for ids in ([[0, 1]], [[2]]):
        tokens = np.array(ids, dtype=np.int64)
        logits: Logits = model.network.run(slots.block(0, 1), tokens, slots.mask(0, 1, tokens.shape[1]))
        slot.length += tokens.shape[1]
        if logits.shape[1] < model.vocabulary.size or not np.isfinite(logits).all():
            raise ValueError(
                f"it gives {logits.shape[1]} scores for {model.vocabulary.size} tokens, or scores that are no numbers"
            )

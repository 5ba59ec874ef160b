"""Model: what a model folder holds, loaded.

A folder is what the public ONNX exports come in: `model.onnx` (with its `model.onnx.data`), `tokenizer.json`,
`config.json`, and a chat template, either `chat_template.jinja` or inside `tokenizer_config.json`;
`generation_config.json` may name more tokens that end an answer. `setaria.json`, which is ours, may say how many
tokens the model reads with comfort: `{"comfortable_tokens": 1024}`; longer prompts are condensed.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
import onnxruntime

from setaria.adapters.upstreams.local.engine.network import Network
from setaria.adapters.upstreams.local.engine.vocabulary import Vocabulary
from setaria.adapters.upstreams.local.folder import find_missing
from setaria.core.errors import UpstreamFailed

_BYTES_PER_THREAD = 64 * 1024 * 1024  # below that, waking a second thread costs more than it computes
_Record = TypeVar("_Record", bound=msgspec.Struct)
_ROOM_TOKENS = 256  # rather condense a prompt than leave less than this for the answer


class _Config(msgspec.Struct):
    """What counts of `config.json`."""

    max_position_embeddings: int
    hidden_size: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int | None = None
    eos_token_id: int | list[int] | None = None


class _GenerationConfig(msgspec.Struct):
    """What counts of `generation_config.json`."""

    eos_token_id: int | list[int] | None = None


class _Comfort(msgspec.Struct):
    """What counts of `setaria.json`."""

    comfortable_tokens: int


class _NamedTemplate(msgspec.Struct):
    """One of several chat templates."""

    name: str
    template: str


class _TokenizerConfig(msgspec.Struct):
    """What counts of `tokenizer_config.json`."""

    chat_template: str | list[_NamedTemplate] = ""


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A loaded model; `end_ids` are the tokens that end an answer.

    Prompts of up to `context_tokens` can be read; those above `comfortable_tokens` are condensed, if they can be.
    """

    network: Network
    vocabulary: Vocabulary
    template: str
    end_ids: frozenset[int]
    context_tokens: int
    comfortable_tokens: int


def load_model(folder: Path) -> LocalModel:
    """Load a model folder.

    Raises: UpstreamFailed, which says what is missing or broken. What the libraries raise over a damaged file comes
        through as it is, for they raise plain `Exception`: the caller reads it from a future.
    """
    missing = find_missing(folder)
    if missing:
        raise UpstreamFailed(f"the model folder {folder} lacks {', '.join(missing)}; put the whole export there")
    config = _read(folder / "config.json", _Config)
    generation_path = folder / "generation_config.json"
    generation = _read(generation_path, _GenerationConfig) if generation_path.is_file() else _GenerationConfig()
    end_ids = _ids(config.eos_token_id) | _ids(generation.eos_token_id)
    if not end_ids:
        raise UpstreamFailed(f"{folder / 'config.json'} names no eos_token_id, so no answer would ever end; add it")
    context_tokens = config.max_position_embeddings
    comfort_path = folder / "setaria.json"
    comfort = _read(comfort_path, _Comfort).comfortable_tokens if comfort_path.is_file() else context_tokens
    head_size = config.head_dim or config.hidden_size // config.num_attention_heads
    return LocalModel(
        network=Network(_open_session(folder), config.num_key_value_heads, head_size),
        vocabulary=Vocabulary((folder / "tokenizer.json").read_bytes()),
        template=_read_template(folder),
        end_ids=end_ids,
        context_tokens=context_tokens,
        comfortable_tokens=min(comfort, context_tokens - _ROOM_TOKENS),
    )


def _open_session(folder: Path) -> onnxruntime.InferenceSession:
    """Open the network with settings for a process that shares its machine: no spinning, no hoarded memory."""
    size_bytes = sum(path.stat().st_size for path in folder.glob("model.onnx*"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, min(os.cpu_count() or 1, size_bytes // _BYTES_PER_THREAD))
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 4  # errors come as exceptions; they need not be written to the terminal too
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])


def _read_template(folder: Path) -> str:
    """Find the chat template in either of its two places."""
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text("utf-8")
    path = folder / "tokenizer_config.json"
    template = _read(path, _TokenizerConfig).chat_template if path.is_file() else ""
    if isinstance(template, list):
        template = {named.name: named.template for named in template}.get("default", "")
    if not template:
        raise UpstreamFailed(f"the model folder {folder} has no chat template; add it as chat_template.jinja")
    return template


def _read(path: Path, kind: type[_Record]) -> _Record:
    """Read a JSON file into a record.

    Raises: UpstreamFailed when the file is no JSON or lacks a field.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except msgspec.DecodeError as error:
        raise UpstreamFailed(f"{path} cannot be read: {error}") from error


def _ids(value: int | list[int] | None) -> frozenset[int]:
    """Read a token id that may stand alone, in a list or not at all."""
    if value is None:
        return frozenset()
    return frozenset([value] if isinstance(value, int) else value)

"""Frames: what workers and the engine process say to each other over a Unix socket.

A frame is 4 bytes of length (big-endian) and that many bytes of MessagePack. A worker's frame is one `Ask`; the
engine's frame is a list of `Tell`, all that one decoding step had to say. `id` is the worker's own and unique on its
connection; when a connection closes, all it asked for is cancelled.
"""

import msgspec

from setaria.core.dialogue import Dialogue

MAX_FRAME_BYTES = 128 * 1024 * 1024

_LENGTH_BYTES = 4


class Generate(msgspec.Struct, frozen=True, tag="generate"):
    """Answer this dialogue; tells `Started`, any number of `Piece`, then `Done` or `Failed`."""

    id: str
    model: str
    dialogue: Dialogue


class Count(msgspec.Struct, frozen=True, tag="count"):
    """Count the tokens this dialogue would be read as; tells `Counted` or `Failed`."""

    id: str
    model: str
    dialogue: Dialogue


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Stop the answer `id` before its next token; nothing more is told of it."""

    id: str


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Load the model if need be and tell `Pong`, or `Failed`."""

    id: str
    model: str


class Observe(msgspec.Struct, frozen=True, tag="observe"):
    """Tell `Observed` at once; nothing is loaded for it."""

    id: str


Ask = Generate | Count | Cancel | Ping | Observe


class Started(msgspec.Struct, frozen=True, tag="started"):
    """The prompt was read. `inside_thinking`: it ended within an open think block, the output starts there."""

    id: str
    input_tokens: int
    cached_tokens: int
    inside_thinking: bool


class Piece(msgspec.Struct, frozen=True, tag="piece"):
    """More raw output, special tokens such as `<think>` and `<tool_call>` written out; whole characters only."""

    id: str
    text: str
    tokens: int


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The answer ended: by itself (`stop`, with `stop_sequence` if one of the caller's did it) or at its limit."""

    id: str
    reason: str
    output_tokens: int
    stop_sequence: str = ""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """No answer. `kind` is `context` (with both token counts), `busy` (with retry_after_s), `invalid` or `failed`."""

    id: str
    kind: str
    message: str
    retry_after_s: int | None = None
    input_tokens: int = 0
    context_tokens: int = 0


class Counted(msgspec.Struct, frozen=True, tag="counted"):
    """How many tokens the dialogue would be read as."""

    id: str
    input_tokens: int


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    """The model is loaded and answers."""

    id: str


class ModelFigures(msgspec.Struct, frozen=True):
    """One loaded model: its rows, the calls in them, the tokens kept for later prompts, and what it did so far.

    Of all prompts' tokens those `reused` were found in what was read before; the others were `prefilled`.
    """

    model: str
    rows: int
    loading: int
    ready: int
    kept_tokens: int
    prefilled_tokens: int
    reused_tokens: int
    decoded_tokens: int


class Observed(msgspec.Struct, frozen=True, tag="observed"):
    """How busy the engine is: its loaded models, calls that are live or were refused, memory and processor time."""

    id: str
    models: tuple[ModelFigures, ...]
    live_calls: int
    refused_calls: int
    memory_bytes: int
    cpu_s: float

    @property
    def waiting_calls(self) -> int:
        """Tell how many calls have no row yet."""
        return max(0, self.live_calls - sum(model.loading + model.ready for model in self.models))


Tell = Started | Piece | Done | Failed | Counted | Pong | Observed

_encode = msgspec.msgpack.Encoder().encode


def encode_frame(content: Ask | list[Tell]) -> bytes:
    """Write one frame, length and all."""
    payload = _encode(content)
    return len(payload).to_bytes(_LENGTH_BYTES, "big") + payload


class FrameReader:
    """Cuts a byte stream into the payloads of its frames, however the bytes were split."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes and give the payloads that are now whole.

        Raises: ValueError when a frame says it is longer than `MAX_FRAME_BYTES`.
        """
        buffer = self._buffer
        buffer += data
        payloads = []
        while len(buffer) >= _LENGTH_BYTES:
            size = int.from_bytes(buffer[:_LENGTH_BYTES], "big")
            if size > MAX_FRAME_BYTES:
                raise ValueError(f"a frame of {size} bytes is above the limit of {MAX_FRAME_BYTES}")
            if len(buffer) < _LENGTH_BYTES + size:
                break
            payloads.append(bytes(buffer[_LENGTH_BYTES : _LENGTH_BYTES + size]))
            del buffer[: _LENGTH_BYTES + size]
        return payloads

"""Scenario: what the fault server does with one request."""

from typing import Literal, get_args

import msgspec

Content = Literal["text", "thinking", "tools", "parallel", "huge", "unicode", "loop"]
CONTENTS: tuple[Content, ...] = get_args(Content)


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One request's fate; numbers of events and bytes count from 0, -1 means never."""

    content: Content = "text"
    tokens: int = 5  # pieces of text; of a huge one a fifth of its size
    every: int = 1  # each so many-th request of this scenario goes wrong, the others are answered well
    times: int = 0  # how many requests of this scenario go wrong, the later ones are answered well; 0: all
    # time
    head_delay_ms: int = 0
    first_delay_ms: int = 0
    gap_ms: int = 0
    silent: bool = False  # never answers
    hang_after: int = -1  # events, then falls silent; beyond the last: before the body's end
    # ends
    cut: int = -1  # bytes of the body, then closes the connection
    cut_mark: bool = False  # closes the connection in the place of the stream's end mark
    reset: bool = False  # a cut is a TCP reset
    error_after: int = -1  # events, then an error in-band
    unfinished: bool = False  # ends well for HTTP, but without finish reason and end mark
    close: bool = False  # closes the connection after its answer without having said so
    dead: bool = False  # closes a connection that has served before, instead of answering
    # refusals
    status: int = 200
    retry_after: str = ""
    slow_refusal: bool = False  # the refusal's body never ends
    overflow: bool = False  # an error status says that the prompt is too long
    # what it says
    broken_after: int = -1  # events, then one whose JSON is broken
    usage: Literal["once", "missing", "double", "negative", "float"] = "once"
    same_index: bool = False  # both of two parallel calls have index 0
    json_stream: bool = False  # a whole answer where a stream was asked for
    # how it says it
    crlf: bool = False
    comments: bool = False
    bytewise: bool = False
    glued: bool = False  # all events in one piece
    framing: Literal["chunked", "sized", "until_close"] = "chunked"
    # HTTP
    early: bool = False  # refuses before the body of the request is read; by key only
    interim: bool = False  # 100 and 103 before the answer
    garbage: bool = False
    big_head: int = 0  # bytes
    gzip: bool = False  # says that it compressed its answer
    # nothing of it
    row: str = ""  # tells one scenario from another that is alike, where `times` counts


def read_scenario(model: str, key: str) -> tuple[str, Scenario]:
    """Read the scenario from the model's name or else the key; gives its text too.

    Raises: msgspec.ValidationError when an option is unknown or its value is wrong.
    """
    text = next((it for it in (model, key.removeprefix("fault:")) if it.split(":")[0] in CONTENTS), "text")
    content, *options = text.split(":")
    pairs = (option.partition("=") for option in options)
    fields = {name: value if equals else "true" for name, equals, value in pairs}
    return text, msgspec.convert({"content": content, **fields}, Scenario, strict=False)

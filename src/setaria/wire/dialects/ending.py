"""Ending: how a part of the output was left."""

import msgspec


class Left(msgspec.Struct, frozen=True):
    """A part is over: `literal` was no call after all and belongs to the text; `rest` was not read."""

    literal: str
    rest: str

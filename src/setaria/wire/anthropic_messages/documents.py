"""Documents: what blocks that bring a text of their own say in plain words.

    block             its text
    `document`        title, context, and the plain text or the texts of its source; none of a PDF or a file
    `search_result`   title, where it was found, and its texts

Source: platform.claude.com/docs/en/build-with-claude/citations and .../search-results, read November 2026.
"""

from collections.abc import Iterable

import msgspec


class _Piece(msgspec.Struct):
    """What counts of a block within a document or a search result."""

    type: str = ""
    text: str = ""


class _Source(msgspec.Struct):
    """Where a document's text is: in `data` of type `text`, in `content` of type `content`."""

    type: str = ""
    data: str = ""
    content: str | list[_Piece] = ""


class _Document(msgspec.Struct):
    source: _Source
    title: str | None = None
    context: str | None = None


class _SearchResult(msgspec.Struct):
    content: list[_Piece]
    title: str | None = None
    source: str | None = None


_document = msgspec.json.Decoder(_Document)
_search_result = msgspec.json.Decoder(_SearchResult)


def read_plain_text(kind: str, raw: bytes) -> str:
    """Give the text of a document or a search result, between marks that tell it from what the user says.

    Empty for other blocks, for those without text, and for what has another form than is known: such a block is no
    error, for its own server may know it.
    """
    try:
        match kind:
            case "document":
                document = _document.decode(raw)
                return _mark(kind, (document.title, document.context), _text_of(document.source))
            case "search_result":
                result = _search_result.decode(raw)
                return _mark(kind, (result.title, result.source), _join(result.content))
            case _:
                return ""
    except (msgspec.DecodeError, RecursionError):
        return ""


def _text_of(source: _Source) -> str:
    match source.type:
        case "text":
            return source.data
        case "content":
            return source.content if isinstance(source.content, str) else _join(source.content)
        case _:
            return ""


def _join(pieces: Iterable[_Piece]) -> str:
    return "\n".join(piece.text for piece in pieces if piece.type == "text")


def _mark(kind: str, heads: Iterable[str | None], text: str) -> str:
    return "\n".join([f"<{kind}>", *filter(None, heads), text, f"</{kind}>"]) if text else ""

"""Parts: reads what a message says, which is a string or an array of parts."""

import msgspec

from setaria.core.dialogue import Image, Opaque, Text
from setaria.core.errors import InvalidRequest
from setaria.core.traits import Traits
from setaria.wire.capability import require_capability
from setaria.wire.fields import (
    Fields,
    is_list,
    is_string,
    present,
    read_list,
    read_object,
    read_string,
    required_choice,
    required_object,
    required_string,
)

Part = Text | Image | Opaque

_KINDS = ("text", "image_url", "input_audio", "video_url", "refusal")
_URL_SCHEMES = ("https", "http", "data")


def read_content(message: Fields, path: str, traits: Traits) -> tuple[Part, ...]:
    """Read a message's content: null, absent and empty text give no part.

    Raises: InvalidRequest, also for a picture, sound or film that the model can't take.
    """
    raw = present(message, "content")
    if raw is None:
        return ()
    place = f"{path}.content"
    if is_list(raw):
        items = read_list(raw, place)
        parts = tuple(_read_part(item, f"{place}[{index}]", traits) for index, item in enumerate(items))
        return tuple(part for part in parts if part != Text(""))
    text = read_string(raw, place, "a string or an array of parts")
    return (Text(text),) if text else ()


def _read_part(raw: msgspec.Raw, path: str, traits: Traits) -> Part:
    fields = read_object(raw, path)
    kind = required_choice(fields, "type", f"{path}.type", _KINDS)
    if kind == "image_url":
        require_capability(traits, "image", path)
        return Image(url=_read_image_url(fields, f"{path}.image_url"))
    if kind == "input_audio":
        require_capability(traits, "audio", path)
    elif kind == "video_url":
        require_capability(traits, "video", path)
    else:
        return Text(_read_text(fields, kind, f"{path}.{kind}"))
    required_object(fields, kind, f"{path}.{kind}")
    return Opaque(kind, bytes(raw))


def _read_text(fields: Fields, name: str, path: str) -> str:
    raw = present(fields, name)
    if raw is None:
        raise InvalidRequest(f"{path} is missing; it must be a string", param=path)
    return read_string(raw, path)


def _read_image_url(fields: Fields, path: str) -> str:
    """Read a picture's URL; some clients send it without the object around it."""
    raw = present(fields, "image_url")
    if raw is not None and is_string(raw):
        url = read_string(raw, path)
    else:
        url = required_string(required_object(fields, "image_url", path), "url", f"{path}.url")
    if url.partition(":")[0].lower() not in _URL_SCHEMES:
        raise InvalidRequest(f"{path} must be an https, http or data URL; local files can't be read", param=path)
    return url

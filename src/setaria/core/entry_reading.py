"""Entry reading: holds what people wrote in tables, such as upstreams and models, against what is allowed."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, fields

from setaria.core.entries import LOCAL, NOT_YET_VALUES, ModelEntry, UpstreamEntry

Path = tuple[str | int, ...]
T = TypeVar("T", bound=msgspec.Struct)

# Headers that would carry a secret into a place where secrets do not belong, or break the framing.
_CREDENTIAL_HEADERS = frozenset({"authorization", "proxy-authorization", "api-key", "x-api-key", "cookie"})
_OWN_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "content-type", "te", "upgrade", "expect", "trailer"}
)
_MAY_HOLD_SECRETS = frozenset({"api_key_env", "base_url", "headers"})
_NOUNS: Mapping[object, str] = MappingProxyType({str: "a text", int: "a whole number", float: "a number"})


class EntryFault(Exception):
    """Something in an entry can't be; `path` leads to it from the entry, by names and places in lists."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(problem)
        self.path = path
        self.problem = problem


def read_upstream(content: Mapping[str, object]) -> UpstreamEntry:
    """Read an upstream as a person wrote it; a slash at its address's end is left out.

    Raises: EntryFault.
    """
    url = content.get("base_url")
    tidy = dict(content) | ({"base_url": url.rstrip("/")} if isinstance(url, str) else {})
    upstream = read_table(UpstreamEntry, tidy, (), "upstreams")
    if upstream.kind == LOCAL:
        _check_local(upstream)
        return upstream
    if upstream.name == LOCAL:
        raise EntryFault(("name",), f"the name {LOCAL} belongs to the built-in engine; take another one")
    if not upstream.base_url:
        raise EntryFault((), f"the upstream {upstream.name} has no base_url; it says where the server is")
    if upstream.api_key_env and upstream.api_key_file:
        raise EntryFault(("api_key_file",), "api_key_env and api_key_file are both set; keep one of them")
    for name, value in upstream.headers.items():
        _check_header(name, value)
    return upstream


def read_model(content: Mapping[str, object]) -> ModelEntry:
    """Read a model as a person wrote it.

    Raises: EntryFault.
    """
    model = read_table(ModelEntry, content, (), "models")
    if not model.deployments:
        raise EntryFault(
            ("deployments",), f"the model {model.id} has no deployments; they say which upstreams serve it"
        )
    if model.output_tokens > model.context_tokens:
        raise EntryFault(
            ("output_tokens",),
            f"output_tokens ({model.output_tokens}) can't be above context_tokens ({model.context_tokens})",
        )
    for path, text in ((("display_name",), model.display_name), (("description",), model.description)):
        if not text.isprintable():
            raise EntryFault(path, f"{path[0]} has characters that can't be printed; leave them out")
    for index, name in enumerate(model.aliases):
        if name == model.id or name in model.aliases[:index]:
            raise EntryFault(("aliases",), f"the model {model.id} has the name {name} twice")
    places = [(each.upstream, each.model) for each in model.deployments]
    for index, where in enumerate(places):
        if where in places[:index]:
            raise EntryFault(("deployments", index), f"the model {model.id} has {where[1]} on {where[0]} twice")
    return model


def find_double_name(models: Sequence[ModelEntry], taken: Iterable[str]) -> tuple[int, str] | None:
    """Find the first model that has a name another one has; gives its place and the name."""
    seen = {*taken}
    for index, model in enumerate(models):
        for name in names_of(model):
            if name in seen:
                return index, name
        seen.update(names_of(model))
    return None


def names_of(model: ModelEntry) -> Iterator[str]:
    """Give every name that callers may use for a model."""
    yield model.id
    yield from model.aliases


def hint(name: str, known: Iterable[str]) -> str:
    """Say which known name is most like the one given, or else which there are."""
    names = sorted(known)
    nearest = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {nearest[0]}?" if nearest else f"; there are: {', '.join(names) or 'none'}"


def describe_type(kind: object) -> str:
    """Say in words which values a field takes."""
    for mark in getattr(kind, "__metadata__", ()):
        if mark.extra:
            return str(mark.extra["allowed"])
        if mark.ge is not None:
            return f"a whole number from {mark.ge} to {mark.le}"
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return describe_type(inner[0])
    if origin is Literal:
        return ", ".join(map(str, inner))
    if origin is tuple:
        return f"a list, each of it {describe_type(inner[0])}"
    if type(None) in inner:
        return describe_type(inner[0])
    return _NOUNS.get(kind, "a table")


def read_table(kind: type[T], content: object, path: Path, table: str) -> T:
    """Read a table field by field, so that a fault names its place.

    Takes: path, the place of the table; table, what messages call it.
    Raises: EntryFault.
    """
    if not isinstance(content, Mapping):
        raise EntryFault(path, f"{table} must be a table")
    known = {field.encode_name: field for field in fields(kind)}
    values = {}
    for key, value in content.items():
        if key not in known:
            raise EntryFault((*path, key), f"{key} is no setting of {table}{hint(str(key), known)}")
        values[known[key].name] = _read_field(known[key], value, (*path, key), f"{table}.{key}")
    missing = [key for key, field in known.items() if field.required and field.name not in values]
    if missing:
        raise EntryFault(path, f"{table} lacks {missing[0]}; allowed: {describe_type(known[missing[0]].type)}")
    return kind(**values)


def _read_field(field: FieldInfo, value: object, path: Path, name: str) -> object:
    kind = field.type
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return read_table(kind, value, path, name)
    inner = get_args(kind)[0] if get_origin(kind) is tuple else None
    if isinstance(value, list | tuple) and inner is not None:
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            return tuple(read_table(inner, each, (*path, place), name) for place, each in enumerate(value))
        return tuple(_convert(inner, each, path, name) for each in value)
    return _convert(kind, value, path, name)


def _convert(kind: object, value: object, path: Path, name: str) -> object:
    try:
        converted: object = msgspec.convert(value, kind)
    except msgspec.ValidationError:
        key = name.rpartition(".")[2]
        if value in NOT_YET_VALUES.get(key, ()):
            raise EntryFault(path, f"{name} {value!r} is not yet available; allowed: {describe_type(kind)}") from None
        choices = _choices(kind)
        nearest = difflib.get_close_matches(str(value), choices, n=1)
        question = f"; did you mean {nearest[0]}?" if nearest else ""
        shown = "that" if key in _MAY_HOLD_SECRETS else repr(value)[:100]
        raise EntryFault(path, f"{name} can't be {shown}{question}; allowed: {describe_type(kind)}") from None
    return converted


def _choices(kind: object) -> list[str]:
    """Give the values of a Literal, also of one that may be absent."""
    if get_origin(kind) is Literal:
        return [str(each) for each in get_args(kind)]
    return [choice for each in get_args(kind) for choice in _choices(each)]


def _check_local(upstream: UpstreamEntry) -> None:
    """Make sure that nothing is said about the built-in engine that would have no effect."""
    for field in fields(UpstreamEntry):
        if field.name not in {"name", "kind", "concurrency"} and getattr(upstream, field.name):
            raise EntryFault((field.name,), f"an upstream of kind {LOCAL} has no {field.name}; remove it")


def _check_header(name: str, value: str) -> None:
    path: Path = ("headers", name)
    if not name or not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
        raise EntryFault(path, f"{name!r} is no name of a header; allowed: letters, digits and dashes")
    if name.lower() in _CREDENTIAL_HEADERS:
        raise EntryFault(path, f"the header {name} would show a secret; put it into api_key_env or api_key_file")
    if name.lower() in _OWN_HEADERS:
        raise EntryFault(path, f"the header {name} is Setaria's own; remove it")
    if not value.isascii() or not value.isprintable():
        raise EntryFault(path, f"the value of the header {name} has characters that no header may have")

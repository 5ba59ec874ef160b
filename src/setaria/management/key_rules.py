"""Key rules: what people allow a key to do, read from what they wrote."""

import ipaddress

import msgspec

from setaria.core.entry_reading import hint, names_of
from setaria.core.errors import InvalidRequest
from setaria.core.money import nano_from_decimal
from setaria.domain.accounts.records import KeyRules
from setaria.domain.catalog.added import Fixed
from setaria.domain.catalog.ports import CatalogBook


class WrittenRules(msgspec.Struct, frozen=True):
    """Rules as people write them: names of models, addresses or networks, a monthly cap as a decimal number."""

    models: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    cap: str | None = None


def read_rules(book: CatalogBook, fixed: Fixed, written: WrittenRules) -> KeyRules:
    """Read rules: models by any of their names, networks in either version.

    Raises: InvalidRequest when a model is not there, a network can't be one, or the cap is not above 0.
    """
    models = dict.fromkeys(find_model_id(book, fixed, name, "models") for name in written.models)
    networks = dict.fromkeys(map(_read_network, written.networks))
    cap_nano = None if written.cap is None else nano_from_decimal(written.cap, "cap")
    if cap_nano == 0:
        raise InvalidRequest("cap is 0; it must be above 0. To stop a key: setaria keys disable KEY_ID", param="cap")
    return KeyRules(tuple(models), tuple(networks), cap_nano)


def find_model_id(book: CatalogBook, fixed: Fixed, name: str, param: str) -> str:
    """Find the id of a model by any of its names.

    Raises: InvalidRequest, which names `param`, when there is none.
    """
    entries = (*fixed.declared.models, *(each.entry for each in book.read_added().models))
    named = {name: entry.id for entry in entries for name in names_of(entry)}
    ids = dict(zip(fixed.built_in, fixed.built_in, strict=True)) | named
    if name not in ids:
        raise InvalidRequest(f"there is no model {name[:100]!r}{hint(name, ids)}", param=param)
    return ids[name]


def _read_network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise InvalidRequest(
            f"networks has {text[:100]!r}; give an address or a network such as 203.0.113.7 or 10.0.0.0/8",
            param="networks",
        ) from None

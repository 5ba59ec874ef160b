"""Loading: finds out every setting, and writes settings for people and for other processes."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import get_args, get_origin

import msgspec

from setaria.config.environment import default_data_folder, read_environment, read_standard_variables
from setaria.config.file import ConfigFile
from setaria.config.given import Given, absolute_path
from setaria.config.settings import SECTIONS, SETTINGS, ConfigError, SettingLine, Settings, describe_allowed
from setaria.core.entries import Entries
from setaria.core.retention import LEAST_DAYS

_NO_OVERRIDES: Mapping[str, str | int] = MappingProxyType({})


def load_settings(
    data: Path | None, config: Path | None, overrides: Mapping[str, str | int] = _NO_OVERRIDES
) -> Settings:
    """Find out every setting.

    Takes: data and config, as given by flags; overrides, values of other flags by setting, such as `server.port`.
    Raises: ConfigError, whose message says where the wrong value or name stands and what is allowed.
    """
    return _load(data, config, overrides)[0]


def explain_settings(data: Path | None, config: Path | None) -> list[SettingLine]:
    """List every setting with its source, without secrets; upstreams and models have commands of their own.

    Raises: ConfigError as `load_settings` does.
    """
    settings, sources = _load(data, config, _NO_OVERRIDES)
    values: dict[str, str | int] = {"data": str(settings.data), "config": str(settings.config or "")}
    for section in SECTIONS:
        for name, value in msgspec.structs.asdict(getattr(settings, section)).items():
            shown = ", ".join(value) if isinstance(value, tuple) else hide_password(str(value))
            values[f"{section}.{name}"] = value if isinstance(value, int) else shown
    return [SettingLine(name, value, sources.get(name, "default")) for name, value in values.items()]


def resolve_database_url(settings: Settings) -> str:
    """Give the database's address, which may hold a password; of SQLite the file in the data folder."""
    if settings.database.url == "sqlite":
        return f"sqlite:///{settings.data / 'setaria.db'}"
    return settings.database.url


def hide_password(url: str) -> str:
    """Write `***` for the password in an address."""
    without_user = re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url)
    return re.sub(r"(password=)[^&]*", r"\1***", without_user, flags=re.IGNORECASE)


def settings_to_json(settings: Settings) -> bytes:
    """Write settings for a child process; they may hold a password, so hand them over in private."""
    return msgspec.json.encode(settings, enc_hook=str)


def settings_from_json(text: bytes) -> Settings:
    """Read what `settings_to_json` wrote."""
    return msgspec.json.decode(text, type=Settings, dec_hook=_path_from_text)


def _load(
    data: Path | None, config: Path | None, overrides: Mapping[str, str | int]
) -> tuple[Settings, Mapping[str, str]]:
    environment = read_environment()
    flags = {name: Given(value, f"--{name.split('.')[-1]}", Path.cwd()) for name, value in overrides.items()}
    if data is not None:
        flags["data"] = Given(str(data), "--data", Path.cwd())
    if config is not None:
        flags["config"] = Given(str(config), "--config", Path.cwd())
    given = environment | flags
    data_folder = absolute_path(given["data"]) if "data" in given else default_data_folder()
    _need_text(data_folder, "the data folder")
    file, entries = _find_file(given.get("config"), data_folder), Entries()
    if file is not None:
        content = ConfigFile(file)
        given, entries = content.read_settings() | given, content.read_entries()
        given.setdefault("config", Given(str(file), "default", file.parent))
    given = read_standard_variables() | given
    sections: dict[str, dict[str, object]] = {section: {} for section in SECTIONS}
    for name in SETTINGS.keys() & given.keys():
        section, key = name.split(".")
        sections[section][key] = _convert(name, given[name])
    sections["server"].setdefault("secret_file", str(data_folder / "secret"))
    _check_lanes(sections["lanes"], {name: each.source for name, each in given.items()})
    whole = {"data": str(data_folder), "config": str(file) if file else None, **sections}
    settings = msgspec.structs.replace(msgspec.convert(whole, Settings, dec_hook=_path_from_text), entries=entries)
    return settings, {name: each.source for name, each in given.items()}


def _check_lanes(lanes: Mapping[str, object], sources: Mapping[str, str]) -> None:
    """Make sure that no host name stands for both lanes."""
    hosts = [msgspec.convert(lanes.get(name, ()), tuple[str, ...]) for name in ("payg_hosts", "plan_hosts")]
    for host in hosts[0]:
        if host in hosts[1]:
            raise ConfigError(f"{sources['lanes.plan_hosts']}: {host} is in payg_hosts and in plan_hosts; remove one")


def _need_text(path: Path, source: str) -> None:
    """Make sure that a path can be written as UTF-8, as processes hand it to each other."""
    if any("\ud800" <= character <= "\udfff" for character in str(path)):
        raise ConfigError(f"{source}: the path {str(path)!a} is not UTF-8 text; choose another")


def _convert(name: str, given: Given) -> object:
    kind = SETTINGS[name].type
    try:
        if Path in get_args(kind):
            path = absolute_path(given)
            _need_text(path, given.source)
            return str(path)
        value: object = msgspec.convert(_split(given, kind), kind, strict=not given.is_text)
        if name == "server.trusted_proxies":
            _check_networks(value)
        if name == "database.retention_days":
            _check_retention(value)
    except (msgspec.ValidationError, ValueError):
        shown = "that" if name == "database.url" else repr(given.value)
        raise ConfigError(f"{given.source}: {name} can't be {shown}; allowed: {describe_allowed(name)}") from None
    return value.rstrip("/") if name == "server.public_url" and isinstance(value, str) else value


def _check_networks(value: object) -> None:
    """Make sure that each text of a list is a network.

    Raises: ValueError.
    """
    for each in msgspec.convert(value, tuple[str, ...]):
        ipaddress.ip_network(each)


def _check_retention(value: object) -> None:
    """Make sure that calls are kept for ever or for long enough.

    Raises: ValueError.
    """
    if 0 < msgspec.convert(value, int) < LEAST_DAYS:
        raise ValueError(value)


def _split(given: Given, kind: object) -> object:
    """Give a value; of a text that stands for a list its parts, which commas separate."""
    if get_origin(kind) is not tuple or not given.is_text:
        return given.value
    return [part.strip() for part in str(given.value).split(",")]


def _find_file(given: Given | None, data: Path) -> Path | None:
    if given is None:
        default = data / "setaria.toml"
        return default if default.is_file() else None
    file = absolute_path(given)
    _need_text(file, given.source)
    if not file.is_file():
        raise ConfigError(f"{given.source}: there is no configuration file {file}")
    return file


def _path_from_text(kind: type, text: str) -> Path:
    if kind is not Path:
        raise NotImplementedError(f"no reader for {kind}")
    return Path(text)

"""Settings: the only reader of the environment and of the configuration file.

A setting comes from a command's flag, else from the environment, else from the file, else it has its default. What is
not known, or not built yet, is refused and never ignored.
"""

import difflib
import hashlib
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from msgspec.structs import FieldInfo, fields

from setaria.core.errors import Misconfigured

_URL_ALLOWED = {"allowed": "the https address that callers use, such as https://api.example.org, or empty"}
_HOST_ALLOWED = {"allowed": "an address or host name of this machine, such as 127.0.0.1, 0.0.0.0 or ::1"}
_DATABASE_ALLOWED = {"allowed": "sqlite, or an address such as postgresql://user:password@host/name"}


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How callers are served; `secret_file` is absolute."""

    host: Annotated[str, Meta(pattern=r"^[0-9A-Za-z.:_%-]+$", extra=_HOST_ALLOWED)] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    body_limit_mb: Annotated[int, Meta(ge=1, le=512)] = 64
    header_limit_kb: Annotated[int, Meta(ge=1, le=1024)] = 64
    connections: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    grace_s: Annotated[int, Meta(ge=0, le=3600)] = 30
    public_url: Annotated[str, Meta(pattern=r"^$|^https?://[^\s/?#@]+(/[^\s?#@]*)?$", extra=_URL_ALLOWED)] = ""
    secret_file: Path


class DatabaseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where accounts, keys and calls are kept; `url` may hold a password."""

    url: Annotated[str, Meta(pattern=r"^sqlite$|^postgres(ql)?://[^\s/]*/\S+$", extra=_DATABASE_ALLOWED)] = "sqlite"


class Settings(msgspec.Struct, frozen=True):
    """Everything an operator can set; both paths are absolute, `config` is None where there is no file."""

    data: Path
    config: Path | None
    server: ServerSettings
    database: DatabaseSettings


class SettingLine(msgspec.Struct, frozen=True):
    """One setting as people may see it: passwords are `***`, `source` says who set it."""

    id: str
    value: str | int
    source: str


class ConfigError(Misconfigured):
    """A setting is unknown, not yet available, mistyped or out of range."""


SECTIONS: Mapping[str, type[msgspec.Struct]] = MappingProxyType(
    {"server": ServerSettings, "database": DatabaseSettings}
)
SETTINGS: Mapping[str, FieldInfo] = MappingProxyType(
    {f"{section}.{field.name}": field for section, struct in SECTIONS.items() for field in fields(struct)}
)
ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {"SETARIA_DATA": "data", "SETARIA_CONFIG": "config"}
    | {f"SETARIA_{name.replace('.', '_').upper()}": name for name in SETTINGS}
    | {"SETARIA_SECRET_FILE": "server.secret_file"}
)
NOT_YET = frozenset({"lanes", "upstreams", "models", "review", "search", "server.metrics", "server.trusted_proxies"})

_NO_OVERRIDES: Mapping[str, str | int] = MappingProxyType({})
_SOCKET_FOLDER_BYTES = 90  # a socket's whole path may have 103 bytes on the strictest system


class _Given(msgspec.Struct, frozen=True):
    """A value as an operator gave it; a relative path in it starts at `folder`, of text numbers are read."""

    value: object
    source: str
    folder: Path
    is_text: bool = False


def load_settings(
    data: Path | None, config: Path | None, overrides: Mapping[str, str | int] = _NO_OVERRIDES
) -> Settings:
    """Find out every setting.

    Takes: data and config, as given by flags; overrides, values of other flags by setting, such as `server.port`.
    Raises: ConfigError, whose message says where the wrong value or name stands and what is allowed.
    """
    return _load(data, config, overrides)[0]


def explain_settings(data: Path | None, config: Path | None) -> list[SettingLine]:
    """List every setting with its source, without secrets.

    Raises: ConfigError as `load_settings` does.
    """
    settings, sources = _load(data, config, _NO_OVERRIDES)
    values: dict[str, str | int] = {"data": str(settings.data), "config": str(settings.config or "")}
    for section in SECTIONS:
        for name, value in msgspec.structs.asdict(getattr(settings, section)).items():
            values[f"{section}.{name}"] = value if isinstance(value, int) else hide_password(str(value))
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
    """Write settings for a child process; they may hold a password, so hand them over by a pipe."""
    return msgspec.json.encode(settings, enc_hook=str)


def settings_from_json(text: bytes) -> Settings:
    """Read what `settings_to_json` wrote."""
    return msgspec.json.decode(text, type=Settings, dec_hook=_path_from_text)


def runtime_folder(settings: Settings) -> Path:
    """Give the folder for Unix sockets, made private if it is new; one data folder has always the same.

    It is `DATA/run`, or where that path is too long for a socket, a folder with a short path among the temporary ones.
    Raises: ConfigError when the folder belongs to somebody else or is open to others.
    """
    folder = settings.data / "run"
    if len(os.fsencode(folder)) > _SOCKET_FOLDER_BYTES:
        mark = hashlib.sha256(os.fsencode(settings.data.resolve())).hexdigest()[:16]
        folder = Path(os.environ.get("TMPDIR") or "/tmp") / f"setaria-{mark}"  # noqa: S108 - checked below
        if len(os.fsencode(folder)) > _SOCKET_FOLDER_BYTES:
            raise ConfigError(f"{folder} is too long a path for sockets; set TMPDIR to a short one")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & 0o077:
        raise ConfigError(f"{folder} must be a folder of the user who starts Setaria, closed to others; remove it")
    return folder


def _load(
    data: Path | None, config: Path | None, overrides: Mapping[str, str | int]
) -> tuple[Settings, Mapping[str, str]]:
    environment = _read_environment()
    flags = {name: _Given(value, f"--{name.split('.')[-1]}", Path.cwd()) for name, value in overrides.items()}
    if data is not None:
        flags["data"] = _Given(str(data), "--data", Path.cwd())
    if config is not None:
        flags["config"] = _Given(str(config), "--config", Path.cwd())
    given = environment | flags
    data_folder = _absolute(given["data"]) if "data" in given else _default_data_folder()
    file = _find_file(given.get("config"), data_folder)
    if file is not None:
        given = _read_file(file) | given
        given.setdefault("config", _Given(str(file), "default", file.parent))
    sections: dict[str, dict[str, object]] = {section: {} for section in SECTIONS}
    for name in SETTINGS.keys() & given.keys():
        section, key = name.split(".")
        sections[section][key] = _convert(name, given[name])
    sections["server"].setdefault("secret_file", str(data_folder / "secret"))
    whole = {"data": str(data_folder), "config": str(file) if file else None, **sections}
    settings = msgspec.convert(whole, Settings, dec_hook=_path_from_text)
    return settings, {name: each.source for name, each in given.items()}


def _convert(name: str, given: _Given) -> object:
    kind = SETTINGS[name].type
    try:
        if kind is Path:
            return str(_absolute(given))
        value: object = msgspec.convert(given.value, kind, strict=not given.is_text)
    except msgspec.ValidationError:
        shown = "that" if name == "database.url" else repr(given.value)
        raise ConfigError(f"{given.source}: {name} can't be {shown}; allowed: {describe_allowed(name)}") from None
    return value.rstrip("/") if name == "server.public_url" and isinstance(value, str) else value


def describe_allowed(name: str) -> str:
    """Say in words which values a setting may have."""
    for mark in getattr(SETTINGS[name].type, "__metadata__", ()):
        return mark.extra["allowed"] if mark.extra else f"a whole number from {mark.ge} to {mark.le}"
    return "the path of a file"


def _read_environment() -> dict[str, _Given]:
    given = {}
    for variable, value in os.environ.items():
        if not variable.startswith("SETARIA_") or not value:
            continue
        if variable not in ENVIRONMENT:
            name = variable.removeprefix("SETARIA_").lower()
            if any(name.startswith(each.replace(".", "_")) for each in NOT_YET):
                raise ConfigError(f"{variable} is not yet available; unset it")
            raise ConfigError(f"{variable} is no setting{_hint(variable, ENVIRONMENT)}")
        given[ENVIRONMENT[variable]] = _Given(value, variable, Path.cwd(), is_text=True)
    return given


def _default_data_folder() -> Path:
    given = Path(os.environ.get("XDG_DATA_HOME", ""))
    try:
        base = given if given.is_absolute() else Path.home() / ".local" / "share"
    except RuntimeError:
        raise ConfigError("there is no home folder; name a data folder with --data or SETARIA_DATA") from None
    return base / "setaria"


def _find_file(given: _Given | None, data: Path) -> Path | None:
    if given is None:
        default = data / "setaria.toml"
        return default if default.is_file() else None
    file = _absolute(given)
    if not file.is_file():
        raise ConfigError(f"{given.source}: there is no configuration file {file}")
    return file


def _read_file(file: Path) -> dict[str, _Given]:
    text = _read_text(file)
    given = {}
    for section, content in _parse(file, text).items():
        _check_section(section, content, f"{file}:{_line_of(text, section)}")
        for key, value in content.items():
            name, source = f"{section}.{key}", f"{file}:{_line_of(text, f'{section}.{key}')}"
            if name in NOT_YET:
                raise ConfigError(f"{source}: {key} in [{section}] is not yet available; remove it")
            if name not in SETTINGS:
                siblings = [each.split(".")[1] for each in SETTINGS if each.startswith(f"{section}.")]
                raise ConfigError(f"{source}: {key} is no setting of [{section}]{_hint(key, siblings)}")
            given[name] = _Given(value, source, file.parent)
    return given


def _read_text(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except OSError as error:
        raise ConfigError(f"{file} can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{file}:{line}: this is not UTF-8 text; save the file as UTF-8") from None


def _parse(file: Path, text: str) -> dict[str, Any]:  # of any shape until it is checked
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _syntax_error_line(str(error), text)
        raise ConfigError(f"{file}:{line}: this is not TOML: {error}") from None


def _check_section(section: str, content: object, source: str) -> None:
    if section in NOT_YET:
        raise ConfigError(f"{source}: [{section}] is not yet available; remove it")
    if section not in SECTIONS:
        home = next((name.split(".")[0] for name in SETTINGS if name.endswith(f".{section}")), "")
        hint = f"; it belongs into [{home}]" if home else _hint(section, SECTIONS)
        raise ConfigError(f"{source}: {section} is no section{hint}")
    if not isinstance(content, dict):
        raise ConfigError(f"{source}: {section} must be a table that begins with [{section}]")


def _syntax_error_line(problem: str, text: str) -> int:
    found = re.search(r"at line (\d+)", problem)
    return int(found[1]) if found else text.count("\n") + 1


def _line_of(text: str, name: str) -> int:
    """Find the line where a section or setting is named; tomllib does not tell."""
    table, best = "", (0, 1)
    for number, line in enumerate(text.split("\n"), 1):
        header = re.match(r"\s*\[+([^\[\]#=]+)\]", line)
        key = re.match(r"([^=#\[]+)=", line)
        path = ""
        if header:
            path = table = _plain(header[1])
        elif key:
            path = f"{table}.{_plain(key[1])}".lstrip(".")
        is_on_the_way = path and f"{name}.".startswith(f"{path}.")
        if path.startswith(f"{name}.") or is_on_the_way:
            best = max(best, (min(len(path), len(name)), number), key=lambda each: each[0])
    return best[1]


def _plain(key: str) -> str:
    return re.sub(r"[\s\"']", "", key)


def _hint(name: str, known: Mapping[str, object] | list[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {nearest[0]}?" if nearest else f"; there are: {', '.join(sorted(known))}"


def _absolute(given: _Given) -> Path:
    path = Path(msgspec.convert(given.value, str)).expanduser()
    return Path(os.path.normpath(given.folder / path))


def _path_from_text(kind: type, text: str) -> Path:
    if kind is not Path:
        raise NotImplementedError(f"no reader for {kind}")
    return Path(text)

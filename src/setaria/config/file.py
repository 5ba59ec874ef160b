"""File: the configuration file, read and held against what is known."""

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from setaria.config.given import Given, absolute_path
from setaria.config.lines import line_of
from setaria.config.settings import ENTRIES, NOT_YET, SECTIONS, SETTINGS, ConfigError
from setaria.core.entries import LOCAL, Entries, ModelEntry, UpstreamEntry
from setaria.core.entry_reading import EntryFault, find_double_name, hint, read_model, read_upstream

T = TypeVar("T")

_PATH_KEYS = ("api_key_file", "ca_file")


class ConfigFile:
    """One configuration file, read whole; every complaint about it names file and line.

    Raises: ConfigError when it can't be read, is not TOML, or has a section that is not known or not yet available.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = read_text(path)
        self._content = parse_toml(path, self._text)
        for section, content in self._content.items():
            self._check_section(section, content)

    def read_settings(self) -> dict[str, Given]:
        """Give the settings in it.

        Raises: ConfigError when one is not known or not yet available.
        """
        given = {}
        for section in SECTIONS:
            for key, value in self._content.get(section, {}).items():
                name, source = f"{section}.{key}", self._source(section, key)
                if name in NOT_YET:
                    raise ConfigError(f"{source}: {key} in [{section}] is not yet available; remove it")
                if name not in SETTINGS:
                    siblings = [each.split(".")[1] for each in SETTINGS if each.startswith(f"{section}.")]
                    raise ConfigError(f"{source}: {key} is no setting of [{section}]{hint(key, siblings)}")
                given[name] = Given(value, source, self._path.parent)
        return given

    def read_entries(self) -> Entries:
        """Give the upstreams and models in it.

        Raises: ConfigError when one of them can't be, two have one name, or a model's upstream is not there.
        """
        upstreams = self._read_tables("upstreams", self._read_upstream)
        names = [each.name for each in upstreams]
        for index, name in enumerate(names):
            if name in names[:index]:
                source = self._source("upstreams", index, "name")
                raise ConfigError(f"{source}: there are two upstreams named {name}; rename one")
        local = {LOCAL, *(each.name for each in upstreams if each.kind == LOCAL)}
        models = self._read_tables("models", lambda content: self._read_model(content, {LOCAL, *names}, local))
        if double := find_double_name(models, ()):
            index, name = double
            key = "id" if name == models[index].id else "aliases"
            raise ConfigError(f"{self._source('models', index, key)}: two models have the name {name}; rename one")
        return Entries(upstreams, models)

    def _read_tables(self, section: str, read: Callable[[Mapping[str, object]], T]) -> tuple[T, ...]:
        entries = []
        for index, content in enumerate(self._content.get(section, [])):
            try:
                entries.append(read(content))
            except EntryFault as fault:
                raise ConfigError(f"{self._source(section, index, *fault.path)}: {fault.problem}") from None
        return tuple(entries)

    def _read_upstream(self, content: Mapping[str, object]) -> UpstreamEntry:
        paths = {key: self._absolute(content[key]) for key in _PATH_KEYS if isinstance(content.get(key), str)}
        return read_upstream({**content, **paths})

    def _read_model(self, content: Mapping[str, object], upstreams: set[str], local: set[str]) -> ModelEntry:
        model = read_model(_with_folders(content, local, self._absolute))
        for index, deployment in enumerate(model.deployments):
            if deployment.upstream not in upstreams:
                raise EntryFault(
                    ("deployments", index, "upstream"),
                    f"there is no upstream {deployment.upstream} in this file{hint(deployment.upstream, upstreams)}",
                )
        return model

    def _absolute(self, value: object) -> str:
        return str(absolute_path(Given(value, "", self._path.parent))) if value else ""

    def _source(self, *path: str | int) -> str:
        return f"{self._path}:{line_of(self._text, path)}"

    def _check_section(self, section: str, content: object) -> None:
        source = self._source(section)
        if section in NOT_YET:
            raise ConfigError(f"{source}: [{section}] is not yet available; remove it")
        if section in ENTRIES:
            if not isinstance(content, list) or not all(isinstance(each, dict) for each in content):
                raise ConfigError(f"{source}: {section} must be tables that begin with [[{section}]] each")
            return
        if section not in SECTIONS:
            home = next((name.split(".")[0] for name in SETTINGS if name.endswith(f".{section}")), "")
            known = [*SECTIONS, *(each for each in ENTRIES if "." not in each)]
            belongs = f"; it belongs into [{home}]" if home else hint(section, known)
            raise ConfigError(f"{source}: {section} is no section{belongs}")
        if not isinstance(content, dict):
            raise ConfigError(f"{source}: {section} must be a table that begins with [{section}]")


def _with_folders(
    content: Mapping[str, object], local: set[str], absolute: Callable[[object], str]
) -> Mapping[str, object]:
    """Make paths of model folders absolute: those of deployments on the built-in engine that have a slash."""
    given = content.get("deployments")
    if not isinstance(given, list):
        return content
    deployments = []
    for each in given:
        folder = each.get("model") if isinstance(each, dict) and each.get("upstream") in local else None
        has_path = isinstance(folder, str) and "/" in folder
        deployments.append({**each, "model": absolute(folder)} if has_path else each)
    return {**content, "deployments": deployments}


def read_text(file: Path) -> str:
    """Read a file of UTF-8 text.

    Raises: ConfigError.
    """
    try:
        return file.read_bytes().decode()
    except OSError as error:
        raise ConfigError(f"{file} can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{file}:{line}: this is not UTF-8 text; save the file as UTF-8") from None


def parse_toml(file: Path, text: str) -> dict[str, Any]:  # of any shape until it is checked
    """Read the text of a file as TOML.

    Raises: ConfigError, which names the line.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        raise ConfigError(f"{file}:{line}: this is not TOML: {error}") from None

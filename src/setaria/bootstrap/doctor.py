"""Doctor: checks what an installation needs, and says how to mend what is missing."""

import errno
import http.client
import importlib
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec

from setaria.adapters.secrets.file import read_ring
from setaria.adapters.store.address import is_sqlite, sqlite_path
from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.migrate import current_revision, is_known
from setaria.bootstrap.catalog import SEEDLING_FOLDER
from setaria.bootstrap.installation import miss_no_secret
from setaria.bootstrap.missing_database import has_content, miss_no_database
from setaria.bootstrap.tracing import need_tracing
from setaria.config import (
    ConfigError,
    Settings,
    check_secrets,
    hide_password,
    load_settings,
    resolve_database_url,
    runtime_folder,
)
from setaria.core.errors import Misconfigured, SetariaError
from setaria.core.secrets import SecretRing

_LEAST_PYTHON = (3, 11)
_LEAST_FREE_MB = 500
_BYTES_PER_MB = 1024 * 1024
_PROBE_TIMEOUT_S = 2
_ENGINE_LIBRARIES = ("numpy", "onnxruntime", "tokenizers")
_ENGINE_WEIGHTS = SEEDLING_FOLDER / "model.onnx"


class Finding(msgspec.Struct, frozen=True):
    """What one check found; `mend` says what to do when it is not well."""

    id: str
    ok: bool
    says: str
    mend: str = ""


def examine(data: Path | None, config: Path | None) -> list[Finding]:
    """Check everything; changes no data and no settings.

    Takes: data and config as given by flags.
    """
    findings = [_check_python()]
    try:
        settings = load_settings(data, config)
        need_tracing(settings)
    except Misconfigured as error:
        return [*findings, Finding("settings", ok=False, says=str(error), mend="See docs/configuration.md.")]
    file = settings.config or "no file; every setting has its default or is set in the environment"
    findings.append(Finding("settings", ok=True, says=str(file)))
    checks: tuple[Callable[[Settings], Finding], ...] = (
        _check_keys,
        _check_folder,
        _check_disk,
        _check_secret,
        _check_database,
        _check_port,
    )
    return [*findings, *(check(settings) for check in checks), _check_engine()]


def _check_python() -> Finding:
    is_new_enough = sys.version_info >= _LEAST_PYTHON
    mend = "" if is_new_enough else "Install Python 3.11 or newer and start Setaria with it."
    return Finding("python", is_new_enough, f"Python {platform.python_version()}", mend)


def _check_keys(settings: Settings) -> Finding:
    try:
        check_secrets(settings)
    except ConfigError as error:
        mend = "Set it where the server is started and here, or take the setting that needs it away."
        return Finding("keys", ok=False, says=str(error), mend=mend)
    return Finding("keys", ok=True, says="what upstreams and alerts of the file need is here")


def _check_folder(settings: Settings) -> Finding:
    folder = _existing_part(settings.data)
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        mend = f"Make {folder} writable for this user, or name another folder with --data or SETARIA_DATA."
        return Finding("data folder", ok=False, says=f"{settings.data} can't be written", mend=mend)
    if folder != settings.data:
        return Finding("data folder", ok=True, says=f"{settings.data} is made at the first start")
    try:
        runtime_folder(settings)
    except (ConfigError, OSError) as error:
        return Finding("data folder", ok=False, says=str(error), mend="Remove it; the next start makes it anew.")
    if settings.data.stat().st_mode & 0o077:
        mend = f"Close it: chmod 700 {settings.data}"
        return Finding("data folder", ok=False, says=f"{settings.data} is open to other users", mend=mend)
    return Finding("data folder", ok=True, says=str(settings.data))


def _check_disk(settings: Settings) -> Finding:
    free_mb = shutil.disk_usage(_existing_part(settings.data)).free // _BYTES_PER_MB
    mend = "" if free_mb >= _LEAST_FREE_MB else f"Free at least {_LEAST_FREE_MB} MB, or move the data folder."
    return Finding("disk", not mend, f"{free_mb} MB are free", mend)


def _check_secret(settings: Settings) -> Finding:
    file = settings.server.secret_file
    try:
        ring = read_ring(file) if file.exists() else None
        _check_belonging(settings, ring)
    except SetariaError as error:
        return Finding("secret", ok=False, says=str(error), mend="Mend or restore the file; keys depend on it.")
    says = f"{file} is made at the first start" if ring is None else f"{file} ({len(ring.ids)} in it)"
    return Finding("secret", ok=True, says=says)


def _check_belonging(settings: Settings, ring: SecretRing | None) -> None:
    """Make sure that the database, where there is one, belongs to the secret that is there or is not.

    Raises: Misconfigured.
    """
    url = resolve_database_url(settings)
    if is_sqlite(url) and not has_content(sqlite_path(url)):
        return
    with closing(ControlStore(url)) as store:
        try:
            with store.read() as book:
                book.list_accounts()
        except SetariaError:
            return  # the check of the database says why
        miss_no_secret(settings.server.secret_file, store)
        if ring is not None:
            store.check_secret(ring.fingerprint())


def _check_database(settings: Settings) -> Finding:
    """Read all of it, take the lock as a writer does, and compare the tables with those that this program knows."""
    url = resolve_database_url(settings)
    shown = hide_password(url)
    if is_sqlite(url) and not has_content(sqlite_path(url)):
        return _check_missing_database(settings, shown)
    try:
        with closing(ControlStore(url)) as store:
            with store.read() as book:
                accounts = len(book.list_accounts())
            revision = current_revision(url)
            if not is_known(revision):
                mend = "Install the newer version that made them, or restore a backup."
                return Finding("database", ok=False, says=f"{shown} has tables of revision {revision}", mend=mend)
            with store.begin():
                pass
            store.check_file()
    except SetariaError as error:
        where = "the owner of the file and its lock, and free space" if is_sqlite(url) else "that the server runs"
        mend = "Restore a backup." if isinstance(error, Misconfigured) else f"Check {where}, and database.url."
        return Finding("database", ok=False, says=f"{shown}: {error}", mend=mend)
    return Finding("database", ok=True, says=f"{shown} ({accounts} accounts)")


def _check_missing_database(settings: Settings, shown: str) -> Finding:
    try:
        miss_no_database(settings)
    except Misconfigured as error:
        mend = "Restore a backup; to begin anew, move the secret file away and start the server."
        return Finding("database", ok=False, says=str(error), mend=mend)
    return Finding("database", ok=True, says=f"{shown} is made at the first start")


def _check_port(settings: Settings) -> Finding:
    host, port = settings.server.host, settings.server.port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE and _is_setaria(host, port):
            return Finding("port", ok=True, says=f"Setaria is running on {host} port {port}")
        mend = "Choose another one: --port and --host of `setaria serve`, or [server] in the configuration."
        return Finding("port", ok=False, says=f"{host} port {port}: {error.strerror}", mend=mend)
    return Finding("port", ok=True, says=f"{host} port {port} is free")


def _is_setaria(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=_PROBE_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().getheader("x-request-id") is not None
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _check_engine() -> Finding:
    for name in _ENGINE_LIBRARIES:
        try:
            importlib.import_module(name)
        except ImportError as error:
            mend = "Install what the built-in engine needs: make serve, or pip install 'setaria[local]'"
            return Finding("engine", ok=False, says=f"{name} can't be loaded: {error}", mend=mend)
    if not _ENGINE_WEIGHTS.is_file():
        mend = "Install Setaria again; this copy is not whole."
        return Finding("engine", ok=False, says="the built-in model's weights are missing", mend=mend)
    return Finding("engine", ok=True, says="its libraries and the built-in model are here")


def _existing_part(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())

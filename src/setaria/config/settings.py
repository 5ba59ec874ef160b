"""Settings: the records of everything an operator can set, and the names that it is set by."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import FieldInfo, fields

from setaria.core.entries import DeploymentEntry, Entries, ModelEntry, Timeouts, UpstreamEntry
from setaria.core.entry_reading import describe_type
from setaria.core.errors import Misconfigured
from setaria.core.retention import LEAST_DAYS

_URL_ALLOWED = {"allowed": "the https address that callers use, such as https://api.example.org, or empty"}
_HOST_ALLOWED = {"allowed": "an address or host name of this machine, such as 127.0.0.1, 0.0.0.0 or ::1"}
_DATABASE_ALLOWED = {"allowed": "sqlite, or an address such as postgresql://user:password@host/name"}
_RETENTION_ALLOWED = {"allowed": f"0 to keep calls for ever, or at least {LEAST_DAYS} days"}
_OTLP_ALLOWED = {"allowed": "the http address of a collector, such as http://127.0.0.1:4318, or empty"}
_NETWORK_ALLOWED = {"allowed": "an address or a network, such as 127.0.0.1 or 10.0.0.0/8"}
_LANE_HOST_ALLOWED = {"allowed": "a host name in small letters, without a port, such as api.example.org"}
_MAIL_ALLOWED = {"allowed": "an e-mail address, or empty"}
_SMTP_ALLOWED = {"allowed": "the host name of a mail server, or empty"}
_USER_ALLOWED = {"allowed": "the name to sign in with, or empty"}
_WEBHOOK_ALLOWED = {"allowed": "an address such as https://example.org/hook, or empty"}
_VARIABLE = r"^$|^(?!SETARIA_)[A-Z_][A-Z0-9_]*$"
_VARIABLE_ALLOWED = {"allowed": "the name of an environment variable, in capitals, that does not begin with SETARIA_"}
_FILE_ALLOWED = {"allowed": "the path of a file"}


Network = Annotated[str, Meta(pattern=r"^[0-9a-fA-F.:]+(/[0-9]{1,3})?$", extra=_NETWORK_ALLOWED)]
LaneHost = Annotated[str, Meta(pattern=r"^[0-9a-z][0-9a-z.-]*$", extra=_LANE_HOST_ALLOWED)]


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How callers are served; `secret_file` is absolute."""

    host: Annotated[str, Meta(pattern=r"^[0-9A-Za-z.:_%-]+$", extra=_HOST_ALLOWED)] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    body_limit_mb: Annotated[int, Meta(ge=1, le=512)] = 64
    header_limit_kb: Annotated[int, Meta(ge=1, le=1024)] = 64
    connections: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    grace_s: Annotated[int, Meta(ge=0, le=3600)] = 30
    metrics: Literal["loopback", "off"] = "loopback"
    public_url: Annotated[str, Meta(pattern=r"^$|^https?://[^\s/?#@]+(/[^\s?#@]*)?$", extra=_URL_ALLOWED)] = ""
    trusted_proxies: tuple[Network, ...] = ()
    secret_file: Annotated[Path, Meta(extra=_FILE_ALLOWED)]


class DatabaseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where accounts, keys and calls are kept, and calls for how many days (0: for ever); `url` may hold a password."""

    url: Annotated[str, Meta(pattern=r"^sqlite$|^postgres(ql)?://[^\s/]*/\S+$", extra=_DATABASE_ALLOWED)] = "sqlite"
    retention_days: Annotated[int, Meta(ge=0, le=36_500, extra=_RETENTION_ALLOWED)] = 0


class TelemetrySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where traces are sent: the base address of an OpenTelemetry collector that takes OTLP over HTTP."""

    otlp_endpoint: Annotated[str, Meta(pattern=r"^$|^https?://[^\s/?#@]+(/[^\s?#@]*)?$", extra=_OTLP_ALLOWED)] = ""


class LaneSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Host names at which one lane is reached without a prefix of the path."""

    payg_hosts: tuple[LaneHost, ...] = ()
    plan_hosts: tuple[LaneHost, ...] = ()


class AlertSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where alerts about plans are sent; empty texts switch a way off.

    Secrets are never here, only the environment variables that hold them.
    """

    mail_from: Annotated[str, Meta(pattern=r"^$|^[^\s@<>]+@[^\s@<>]+$", extra=_MAIL_ALLOWED)] = ""
    mail_copy: Annotated[str, Meta(pattern=r"^$|^[^\s@<>]+@[^\s@<>]+$", extra=_MAIL_ALLOWED)] = ""
    smtp_host: Annotated[str, Meta(pattern=r"^$|^[0-9A-Za-z.:_-]+$", extra=_SMTP_ALLOWED)] = ""
    smtp_port: Annotated[int, Meta(ge=1, le=65535)] = 587
    smtp_security: Literal["starttls", "tls", "off"] = "starttls"
    smtp_user: Annotated[str, Meta(extra=_USER_ALLOWED)] = ""
    smtp_password_env: Annotated[str, Meta(pattern=_VARIABLE, extra=_VARIABLE_ALLOWED)] = ""
    webhook_url: Annotated[str, Meta(pattern=r"^$|^https?://[^\s/?#@]+(/\S*)?$", extra=_WEBHOOK_ALLOWED)] = ""
    webhook_secret_env: Annotated[str, Meta(pattern=_VARIABLE, extra=_VARIABLE_ALLOWED)] = ""


class Settings(msgspec.Struct, frozen=True):
    """Everything an operator can set; both paths are absolute, `config` is None where there is no file.

    `entries` are the upstreams and models of the file; what commands added is in the database.
    """

    data: Path
    config: Path | None
    server: ServerSettings
    database: DatabaseSettings
    lanes: LaneSettings = LaneSettings()
    entries: Entries = Entries()
    telemetry: TelemetrySettings = TelemetrySettings()
    alerts: AlertSettings = AlertSettings()


class SettingLine(msgspec.Struct, frozen=True):
    """One setting as people may see it: passwords are `***`, `source` says who set it."""

    id: str
    value: str | int
    source: str


class ConfigError(Misconfigured):
    """A setting is unknown, not yet available, mistyped or out of range."""


SECTIONS: Mapping[str, type[msgspec.Struct]] = MappingProxyType(
    {
        "server": ServerSettings,
        "database": DatabaseSettings,
        "lanes": LaneSettings,
        "telemetry": TelemetrySettings,
        "alerts": AlertSettings,
    }
)
SETTINGS: Mapping[str, FieldInfo] = MappingProxyType(
    {f"{section}.{field.name}": field for section, struct in SECTIONS.items() for field in fields(struct)}
)
ENTRIES: Mapping[str, type[msgspec.Struct]] = MappingProxyType(
    {
        "upstreams": UpstreamEntry,
        "models": ModelEntry,
        "models.deployments": DeploymentEntry,
        "models.timeouts": Timeouts,
    }
)
ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {"SETARIA_DATA": "data", "SETARIA_CONFIG": "config"}
    | {f"SETARIA_{name.replace('.', '_').upper()}": name for name in SETTINGS}
    | {"SETARIA_SECRET_FILE": "server.secret_file"}
)
NOT_YET = frozenset({"review", "search"})


def describe_allowed(name: str) -> str:
    """Say in words which values a setting may have."""
    return describe_type(SETTINGS[name].type)

"""Keys: the API keys that upstreams ask of us, and the secrets of alerts, read from where settings say."""

import os
from collections.abc import Iterable
from pathlib import Path

from setaria.config.settings import AlertSettings, ConfigError, Settings
from setaria.core.entries import UpstreamEntry


def read_api_key(upstream: UpstreamEntry) -> str:
    """Read the key of an upstream; empty when it wants none.

    Raises: ConfigError, which names the variable or file, when the key is not there or can't be one.
    """
    if upstream.api_key_env:
        source = f"the environment variable {upstream.api_key_env}"
        key = os.environ.get(upstream.api_key_env, "").strip()
    elif upstream.api_key_file:
        source = f"the file {upstream.api_key_file}"
        key = _read_key_file(upstream)
    else:
        return ""
    if not key:
        raise ConfigError(f"{source} is not set or empty; the upstream {upstream.name} takes its API key from it")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(f"{source} holds no API key for the upstream {upstream.name}; a key is one word on one line")
    return key


def read_mail_password(alerts: AlertSettings) -> str | None:
    """Read the password for the mail server: empty when none is named, None when no mails are to be sent.

    Raises: ConfigError when its variable is not set.
    """
    if not (alerts.smtp_host and alerts.mail_from):
        return None
    return _read_variable(alerts.smtp_password_env, "the mail server") if alerts.smtp_password_env else ""


def read_webhook_secret(alerts: AlertSettings) -> str | None:
    """Read the secret that a webhook is signed with; None when there is no webhook.

    Raises: ConfigError when no variable is named, or it is not set.
    """
    if not alerts.webhook_url:
        return None
    if not alerts.webhook_secret_env:
        raise ConfigError("alerts.webhook_url is set, but alerts.webhook_secret_env is not: alerts are always signed")
    return _read_variable(alerts.webhook_secret_env, "the webhook")


def check_secrets(settings: Settings) -> None:
    """Make sure that every key and secret is there which settings say is elsewhere.

    Raises: ConfigError, which names what is not there.
    """
    check_api_keys(settings.entries.upstreams)
    read_mail_password(settings.alerts)
    read_webhook_secret(settings.alerts)


def check_api_keys(upstreams: Iterable[UpstreamEntry]) -> None:
    """Make sure that every upstream's key is there.

    Raises: ConfigError as `read_api_key` does.
    """
    for upstream in upstreams:
        read_api_key(upstream)


def _read_key_file(upstream: UpstreamEntry) -> str:
    try:
        return Path(upstream.api_key_file).read_bytes().decode().strip()
    except OSError as error:
        raise ConfigError(
            f"the API key of the upstream {upstream.name} can't be read from {upstream.api_key_file}: {error.strerror}"
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"the file {upstream.api_key_file} of the upstream {upstream.name} is not text") from None


def _read_variable(variable: str, what: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ConfigError(f"the environment variable {variable} is not set or empty; {what} takes its secret from it")
    return value

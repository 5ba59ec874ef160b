"""Keys: the API keys that upstreams ask of us, read from where their entries say."""

import os
from collections.abc import Iterable
from pathlib import Path

from setaria.config.settings import ConfigError
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


def read_variable(variable: str, what: str) -> str:
    """Read a secret of ours from the variable that a setting names; empty when it names none.

    Takes: what, what the secret is for.
    Raises: ConfigError when the variable is not set.
    """
    value = os.environ.get(variable, "").strip() if variable else ""
    if variable and not value:
        raise ConfigError(f"the environment variable {variable} is not set or empty; {what} takes its secret from it")
    return value


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

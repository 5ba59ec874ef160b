"""Environment: the settings among the environment's variables, and where it says that data belongs."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from setaria.config.given import Given
from setaria.config.settings import ENVIRONMENT, NOT_YET, ConfigError
from setaria.core.entry_reading import hint

STANDARD_VARIABLES: Mapping[str, str] = MappingProxyType({"OTEL_EXPORTER_OTLP_ENDPOINT": "telemetry.otlp_endpoint"})
_OF_KUBERNETES = re.compile(
    r"SETARIA_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)


def read_environment() -> dict[str, Given]:
    """Read every setting that a variable gives.

    Those that Kubernetes sets in every container beside a service named `setaria` are none.
    Raises: ConfigError when a variable that begins with SETARIA_ is no setting.
    """
    given = {}
    for variable, value in os.environ.items():
        if not variable.startswith("SETARIA_") or not value or _OF_KUBERNETES.fullmatch(variable):
            continue
        if variable not in ENVIRONMENT:
            name = variable.removeprefix("SETARIA_").lower()
            if any(name.startswith(each.replace(".", "_")) for each in NOT_YET):
                raise ConfigError(f"{variable} is not yet available; unset it")
            raise ConfigError(f"{variable} is no setting{hint(variable, ENVIRONMENT)}")
        given[ENVIRONMENT[variable]] = Given(value, variable, Path.cwd(), is_text=True)
    return given


def read_standard_variables() -> dict[str, Given]:
    """Read the settings that variables of other programs' making give; whatever else gives them goes before."""
    found = {name: (variable, os.environ.get(variable, "")) for variable, name in STANDARD_VARIABLES.items()}
    return {
        name: Given(value, variable, Path.cwd(), is_text=True) for name, (variable, value) in found.items() if value
    }


def default_data_folder() -> Path:
    """Give the platform's folder for a user's data.

    Raises: ConfigError when there is no home folder.
    """
    given = Path(os.environ.get("XDG_DATA_HOME", ""))
    try:
        base = given if given.is_absolute() else Path.home() / ".local" / "share"
    except RuntimeError:
        raise ConfigError("there is no home folder; name a data folder with --data or SETARIA_DATA") from None
    return base / "setaria"


def read_proxy_variables() -> Mapping[str, str]:
    """Give the variables by which programs are commonly told of proxies, whichever of them are set."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    return {name: os.environ[name] for each in names for name in (each, each.lower()) if name in os.environ}

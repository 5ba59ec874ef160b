"""Settings: the only reader of the environment and of the configuration file.

A setting comes from a command's flag, else from the environment, else from the file, else it has its default. What is
not known, or not built yet, is refused and never ignored.
"""

from setaria.config.environment import read_proxy_variables
from setaria.config.folders import runtime_folder
from setaria.config.keys import check_api_keys, check_secrets, read_api_key, read_mail_password, read_webhook_secret
from setaria.config.loading import (
    explain_settings,
    hide_password,
    load_settings,
    resolve_database_url,
    settings_from_json,
    settings_to_json,
)
from setaria.config.price_file import LocatedPrices
from setaria.config.settings import (
    ENTRIES,
    ENVIRONMENT,
    NOT_YET,
    SECTIONS,
    SETTINGS,
    AlertSettings,
    ConfigError,
    DatabaseSettings,
    ServerSettings,
    SettingLine,
    Settings,
    describe_allowed,
)

__all__ = [
    "ENTRIES",
    "ENVIRONMENT",
    "NOT_YET",
    "SECTIONS",
    "SETTINGS",
    "AlertSettings",
    "ConfigError",
    "DatabaseSettings",
    "LocatedPrices",
    "ServerSettings",
    "SettingLine",
    "Settings",
    "check_api_keys",
    "check_secrets",
    "describe_allowed",
    "explain_settings",
    "hide_password",
    "load_settings",
    "read_api_key",
    "read_mail_password",
    "read_proxy_variables",
    "read_webhook_secret",
    "resolve_database_url",
    "runtime_folder",
    "settings_from_json",
    "settings_to_json",
]

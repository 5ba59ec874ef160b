"""Settings: where they come from, what is refused and how, and what is shown of them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from setaria.config import (
    ENVIRONMENT,
    SETTINGS,
    ConfigError,
    explain_settings,
    hide_password,
    load_settings,
    resolve_database_url,
    runtime_folder,
    settings_from_json,
    settings_to_json,
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own, and none of this machine's settings."""
    for name in [*os.environ]:
        if name.startswith(("SETARIA_", "OTEL_")) or name == "XDG_DATA_HOME":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(home: Path) -> Callable[[str], Path]:
    """Write a configuration file."""

    def write(text: str) -> Path:
        file = home / "setaria.toml"
        file.write_text(text, encoding="utf-8", newline="")
        return file

    return write


def test_everything_has_a_default(home: Path) -> None:
    """Without flags, environment and file there is an installation in the home folder."""
    settings = load_settings(None, None)
    data = home / ".local/share/setaria"
    assert (settings.data, settings.config) == (data, None)
    assert settings.server.secret_file == data / "secret"
    assert (settings.server.host, settings.server.port, settings.server.workers) == ("127.0.0.1", 8080, 1)
    assert resolve_database_url(settings) == f"sqlite:///{data}/setaria.db"
    assert not data.exists()


@pytest.mark.parametrize("given, expected", [("/srv", "/srv/setaria"), ("relative", None), ("", None)])
def test_the_platform_s_data_folder_counts(
    monkeypatch: pytest.MonkeyPatch, home: Path, given: str, expected: str | None
) -> None:
    """XDG_DATA_HOME is used where it is an absolute path, as its specification says."""
    monkeypatch.setenv("XDG_DATA_HOME", given)
    assert load_settings(None, None).data == Path(expected or home / ".local/share/setaria")


def test_each_source_yields_to_the_next(monkeypatch: pytest.MonkeyPatch, write: Callable[[str], Path]) -> None:
    """File, environment, flag: the later one wins."""
    file = write("[server]\nport = 1001\n")
    assert load_settings(None, file).server.port == 1001
    monkeypatch.setenv("SETARIA_SERVER_PORT", "1002")
    assert load_settings(None, file).server.port == 1002
    assert load_settings(None, file, {"server.port": 1003}).server.port == 1003


def test_the_standard_variable_for_traces_yields_to_all_others(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[str], Path]
) -> None:
    """OTEL_EXPORTER_OTLP_ENDPOINT counts where nothing of Setaria's own says where traces go, or that they don't."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://standard:4318")
    assert load_settings(None, None).telemetry.otlp_endpoint == "http://standard:4318"
    assert load_settings(None, write("[telemetry]\notlp_endpoint = ''\n")).telemetry.otlp_endpoint == ""
    monkeypatch.setenv("SETARIA_TELEMETRY_OTLP_ENDPOINT", "http://own:4318")
    assert load_settings(None, None).telemetry.otlp_endpoint == "http://own:4318"
    monkeypatch.delenv("SETARIA_TELEMETRY_OTLP_ENDPOINT")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector")
    with pytest.raises(
        ConfigError, match=r"^OTEL_EXPORTER_OTLP_ENDPOINT: telemetry\.otlp_endpoint can't be 'collector'"
    ):
        load_settings(None, write(""))


def test_the_two_places_may_be_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, home: Path, write: Callable[[str], Path]
) -> None:
    """SETARIA_DATA and SETARIA_CONFIG yield to their flags; an empty variable is none."""
    file = write("")
    monkeypatch.setenv("SETARIA_DATA", "there")
    monkeypatch.setenv("SETARIA_CONFIG", "~/setaria.toml")
    settings = load_settings(None, None)
    assert (settings.data, settings.config) == (home / "there", file)
    assert load_settings(Path("a/../here"), None).data == home / "here"
    monkeypatch.setenv("SETARIA_DATA", "")
    assert load_settings(None, None).data == home / ".local/share/setaria"


def test_the_file_in_the_data_folder_is_read(home: Path, write: Callable[[str], Path]) -> None:
    """DATA/setaria.toml is the configuration where none is named."""
    file = write("[server]\nport = 1001\n")
    settings = load_settings(home, None)
    assert (settings.config, settings.server.port) == (file, 1001)


def test_every_setting_can_be_set_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting has its variable, which wins over the default."""
    values = {"server.host": "::1", "server.public_url": "https://a.example", "database.url": "postgresql://h/n"}
    values |= {"telemetry.otlp_endpoint": "http://h:1", "database.retention_days": "35"}
    values |= {"alerts.mail_from": "a@b.example", "alerts.mail_copy": "a@b.example", "alerts.smtp_security": "tls"}
    values |= {
        "alerts.webhook_url": "https://a.example",
        "alerts.webhook_secret_env": "A",
        "alerts.smtp_password_env": "A",
    }
    values |= {"server.metrics": "off", "server.trusted_proxies": "::1, 10.0.0.0/8", "lanes.plan_hosts": "b"}
    for variable, name in ENVIRONMENT.items():
        if name in SETTINGS:
            monkeypatch.setenv(variable, values.get(name, "7"))
    lines = {line.id: line for line in explain_settings(None, None)}
    assert {name for name in SETTINGS if lines[name].source == "default"} == set()
    assert (lines["server.port"].value, lines["server.port"].source) == (7, "SETARIA_SERVER_PORT")


@pytest.mark.parametrize(
    "variable, problem",
    [
        ("SETARIA_SERVER_PROT", "SETARIA_SERVER_PROT is no setting; did you mean SETARIA_SERVER_PORT?"),
        (
            "SETARIA_" + "Z" * 60,
            "SETARIA_" + "Z" * 60 + " is no setting; there are: SETARIA_ALERTS_MAIL_COPY, ",
        ),
        ("SETARIA_SERVER_METRICS", "SETARIA_SERVER_METRICS: server.metrics can't be 'x'; allowed: loopback, off"),
        ("SETARIA_REVIEW_ENABLED", "SETARIA_REVIEW_ENABLED is not yet available; unset it"),
        ("SETARIA_SERVER_PORT", "SETARIA_SERVER_PORT: server.port can't be 'x'; allowed: a whole number from 0 to"),
    ],
)
def test_a_wrong_variable_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, problem: str) -> None:
    """An unknown variable, one of a part not built yet and a bad value are told."""
    monkeypatch.setenv(variable, "x")
    with pytest.raises(ConfigError) as refusal:
        load_settings(None, None)
    assert str(refusal.value).startswith(problem)


def test_other_programs_variables_are_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only names that begin with SETARIA_ are judged, and of those none that Kubernetes sets for a service."""
    for name in (
        *("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_8080_TCP", "PORT_8080_TCP_PROTO"),
        *("PORT_8080_TCP_PORT", "PORT_53_UDP_ADDR"),
    ):
        monkeypatch.setenv(f"SETARIA_{name}", "tcp://10.0.0.1:8080")
    monkeypatch.setenv("_SETARIA_COMPLETE", "complete_bash")
    monkeypatch.setenv("MY_SETARIA_X", "1")
    assert load_settings(None, None).server.port == 8080


@pytest.mark.parametrize(
    "text, problem",
    [
        ("[server]\n\nprot = 1\n", ":3: prot is no setting of [server]; did you mean port?"),
        ("[server]\nzzzz = 1\n", ":2: zzzz is no setting of [server]; there are: body_limit_mb, connections, "),
        ("# a\n[servers]\nport = 1\n", ":2: servers is no section; did you mean server?"),
        ("\nport = 1\n", ":2: port is no section; it belongs into [server]"),
        ("[server]\n[what]\n", ":2: what is no section; there are: alerts, database, lanes, models, server, "),
        ("server = 1\n", ":1: server must be a table that begins with [server]"),
        ("[[server]]\nport = 1\n", ":1: server must be a table that begins with [server]"),
        ('[lanes]\nplan_hosts = "a"\n', ":2: lanes.plan_hosts can't be 'a'; allowed: a list, each of it a host name"),
        ('[lanes]\nplan_hosts = ["A:80"]\n', ":2: lanes.plan_hosts can't be ['A:80']; allowed: a list"),
        ('[lanes]\npayg_hosts = ["a"]\nplan_hosts = ["b", "a"]\n', ":3: a is in payg_hosts and in plan_hosts; remove"),
        ("[review]\n", ":1: [review] is not yet available; remove it"),
        ("[[search.providers]]\n", ":1: [search] is not yet available; remove it"),
        ("[server]\nmetrics = 'x'\n", ":2: server.metrics can't be 'x'; allowed: loopback, off"),
        ('[server]\ntrusted_proxies = ["10.0.0.0/99"]\n', ":2: server.trusted_proxies can't be ['10.0.0.0/99']; "),
        ('[server]\ntrusted_proxies = ["nginx"]\n', ":2: server.trusted_proxies can't be ['nginx']; allowed: a list"),
        ("[server]\nport = 65536\n", ":2: server.port can't be 65536; allowed: a whole number from 0 to 65535"),
        ("[server]\nport = '80'\n", ":2: server.port can't be '80'; allowed: a whole number from 0 to 65535"),
        ("server.port = true\n", ":1: server.port can't be True; allowed: a whole number from 0 to 65535"),
        ("server = { port = 1.5 }\n", ":1: server.port can't be 1.5; allowed: a whole number from 0 to 65535"),
        ("[server]\n 'port' = -1\n", ":2: server.port can't be -1; allowed: a whole number from 0 to 65535"),
        ("[server]\nworkers = 0\n", ":2: server.workers can't be 0; allowed: a whole number from 1 to 256"),
        ("[server]\nhost = ''\n", ":2: server.host can't be ''; allowed: an address or host name of this machine"),
        ("[server]\npublic_url = 'a.b'\n", ":2: server.public_url can't be 'a.b'; allowed: the https address"),
        ("[server]\nsecret_file = 3\n", ":2: server.secret_file can't be 3; allowed: the path of a file"),
        ("[database]\nurl = 'mysql://u:p4ss@h/n'\n", ":2: database.url can't be that; allowed: sqlite, or an address"),
        ("[database]\nretention_days = 34\n", ":2: database.retention_days can't be 34; allowed: 0 to keep calls for"),
        ("[database]\nretention_days = -1\n", ":2: database.retention_days can't be -1; allowed: 0 to keep calls for"),
        ("[server]\nport =\n", ":2: this is not TOML: Invalid value"),
        ("[server]\nport = 1\nport = 2\n", ":3: this is not TOML: Cannot overwrite a value"),
        ("[server", ":1: this is not TOML: Expected ']'"),
    ],
)
def test_a_wrong_file_is_refused(write: Callable[[str], Path], text: str, problem: str) -> None:
    """The message says file, line, what is wrong and what is allowed, and no password."""
    file = write(text)
    with pytest.raises(ConfigError) as refusal:
        load_settings(None, file)
    assert str(refusal.value).startswith(f"{file}{problem}")
    assert "p4ss" not in str(refusal.value)


def test_a_file_that_cannot_be_read_is_refused(home: Path, write: Callable[[str], Path]) -> None:
    """A missing file is told with who named it; text that is not UTF-8 with its line."""
    with pytest.raises(ConfigError, match=r"--config: there is no configuration file .*/nowhere"):
        load_settings(None, Path("nowhere"))
    file = write("")
    file.write_bytes(b"# fine\n# \xff\n")
    with pytest.raises(ConfigError, match=r"setaria.toml:2: this is not UTF-8 text"):
        load_settings(None, file)


def test_a_flag_out_of_range_is_refused() -> None:
    """What a caller hands over is judged like everything else."""
    with pytest.raises(ConfigError, match=r"--port: server\.port can't be 70000"):
        load_settings(None, None, {"server.port": 70000})


def test_relative_paths_start_where_they_are_written(
    monkeypatch: pytest.MonkeyPatch, home: Path, write: Callable[[str], Path]
) -> None:
    """A path in the file starts at the file's folder, one in the environment where the command was given."""
    folder = home / "elsewhere"
    folder.mkdir()
    file = write("[server]\nsecret_file = 'ours/secret'\n")
    monkeypatch.chdir(folder)
    assert load_settings(None, file).server.secret_file == home / "ours/secret"
    monkeypatch.setenv("SETARIA_SECRET_FILE", "secret")
    assert load_settings(None, file).server.secret_file == folder / "secret"


def test_addresses_are_kept_as_they_are(write: Callable[[str], Path]) -> None:
    """A slash at the public address's end is left out; the database's address stays as given."""
    file = write("[server]\npublic_url = 'https://a.example/api/'\n[database]\nurl = 'postgresql://u:p@h/n'\n")
    settings = load_settings(None, file)
    assert settings.server.public_url == "https://a.example/api"
    assert resolve_database_url(settings) == "postgresql://u:p@h/n"


def test_settings_are_explained_without_secrets(write: Callable[[str], Path], home: Path) -> None:
    """Each setting is shown with its value and source; the password is not."""
    file = write("[server]\n# here\nport = 1001\n[database]\nurl = 'postgresql://ann:p4ss@h/n'\n")
    lines = {line.id: (line.value, line.source) for line in explain_settings(home, None)}
    assert lines.keys() == {"data", "config", *SETTINGS}
    assert lines["data"] == (str(home), "--data")
    assert lines["config"] == (str(file), "default")
    assert lines["server.port"] == (1001, f"{file}:3")
    assert lines["server.workers"] == (1, "default")
    assert lines["database.url"] == ("postgresql://ann:***@h/n", f"{file}:5")


@pytest.mark.parametrize(
    "url, expected",
    [
        ("sqlite", "sqlite"),
        ("postgresql://ann@h/n", "postgresql://ann@h/n"),
        ("postgresql://h:5432/n", "postgresql://h:5432/n"),
        ("postgresql://ann:a@b:c@h:5432/n", "postgresql://ann:***@h:5432/n"),
        ("postgresql://:p4ss@h/n", "postgresql://:***@h/n"),
        ("postgresql://h/n?user=ann&password=p4ss&x=1", "postgresql://h/n?user=ann&password=***&x=1"),
    ],
)
def test_passwords_are_hidden(url: str, expected: str) -> None:
    """Wherever an address may hold a password, it is not shown."""
    assert hide_password(url) == expected


def test_settings_reach_a_child_process(write: Callable[[str], Path]) -> None:
    """What is written for a child is what it reads."""
    file = write("[server]\nport = 1001\n")
    for settings in (load_settings(None, file), load_settings(None, None)):
        assert settings_from_json(settings_to_json(settings)) == settings


def test_the_runtime_folder_is_private(home: Path) -> None:
    """It is made in the data folder, closed to others, and refused when it is open."""
    settings = load_settings(home / "data", None)
    folder = runtime_folder(settings)
    assert (folder, folder.stat().st_mode & 0o777) == (home / "data/run", 0o700)
    assert runtime_folder(settings) == folder
    folder.chmod(0o755)
    with pytest.raises(ConfigError, match="closed to others"):
        runtime_folder(settings)


def test_a_long_path_gets_a_short_runtime_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A folder with a short path stands in, the same at each start; a link in its place is refused."""
    short = tmp_path_factory.mktemp("t")
    monkeypatch.setenv("TMPDIR", str(short))
    settings = load_settings(home / ("x" * 90), None)
    folder = runtime_folder(settings)
    assert (folder.parent, folder.stat().st_mode & 0o777) == (short, 0o700)
    assert runtime_folder(settings) == folder
    assert runtime_folder(load_settings(home / ("y" * 90), None)) != folder
    folder.rmdir()
    folder.symlink_to(home)
    with pytest.raises(ConfigError, match="must be a folder of the user"):
        runtime_folder(settings)
    monkeypatch.setenv("TMPDIR", str(home / ("x" * 90)))
    with pytest.raises(ConfigError, match="set TMPDIR to a short one"):
        runtime_folder(settings)


def test_lists_are_read_from_file_and_environment(
    write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a variable commas separate; they are shown so, and go to other processes as they are."""
    file = write('[server]\ntrusted_proxies = ["10.0.0.0/8", "::1"]\n[lanes]\npayg_hosts = ["api.example.org"]\n')
    monkeypatch.setenv("SETARIA_LANES_PLAN_HOSTS", "plan.example.org, plan.example.net")
    settings = load_settings(None, file)
    assert settings.server.trusted_proxies == ("10.0.0.0/8", "::1")
    assert settings.lanes.payg_hosts == ("api.example.org",)
    assert settings.lanes.plan_hosts == ("plan.example.org", "plan.example.net")
    shown = {line.id: line.value for line in explain_settings(None, file)}
    assert shown["lanes.plan_hosts"] == "plan.example.org, plan.example.net"
    assert settings_from_json(settings_to_json(settings)) == settings

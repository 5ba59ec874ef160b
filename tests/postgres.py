"""PostgreSQL: a real server of the tests' own, as a user who is not root, in a folder that this user can reach."""

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from setaria.adapters.store.migrate import upgrade
from tests.not_run import need

_OWNER = "postgres"


class PostgresServer:
    """One server on a Unix socket; `stop` and `start` do to it what happens to servers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = (f"test_{number}" for number in itertools.count(1))
        # PostgreSQL refuses to run as root.
        self._user = _OWNER if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(folder, self._user)

    def create(self) -> None:
        """Make the server's files; without flushing, as nobody needs them after a crash of the machine."""
        self._run("initdb", "--username=setaria", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-k {self._folder} -c listen_addresses='' -c fsync=off -c max_connections=40"
        self._run("pg_ctl", "--wait", f"--log={self._folder / 'log'}", f"--options={options}", "start")

    def stop(self) -> None:
        """Stop the server as a crash would, and wait until it is gone."""
        self._run("pg_ctl", "--wait", "--mode=immediate", "stop")

    def create_database(self, like: str = "template1") -> str:
        """Make a database, empty or with all that is in another one, and give its URL."""
        name = next(self._names)
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(like)))
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"postgresql://setaria@/{database}?host={self._folder}"

    def _run(self, program: str, *arguments: str) -> None:
        command: list[str | Path] = [need(program), *arguments]
        environment = {"PGDATA": str(self._folder / "data"), "LC_ALL": "C"}
        # The output goes to a file: a pipe would stay open for as long as the server runs.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                command, user=self._user, env=environment, cwd="/", stdout=output, stderr=output, check=False
            )
            output.seek(0)
            assert done.returncode == 0, f"{program}: {output.read().decode(errors='replace')}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Run one server for all tests."""
    folder = Path(tempfile.mkdtemp(prefix="setaria-postgres-", dir="/tmp"))
    try:
        server = PostgresServer(folder)
        server.create()
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def upgraded_postgres(postgres_server: PostgresServer) -> str:
    """Give the name of a database with all tables, of which others are made."""
    url = postgres_server.create_database()
    upgrade(url)
    return url.partition("?")[0].rpartition("/")[2]


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """Give the URL of an empty database."""
    return postgres_server.create_database()

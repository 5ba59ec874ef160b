"""Migrate: brings a database to the tables that this program works with."""

import contextlib
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from setaria.adapters.store.address import is_sqlite, sqlite_path
from setaria.adapters.store.control.engine import Database, create_sqlite_file
from setaria.core.errors import Misconfigured

_LOCK_NUMBER = 0x5E7A61A  # of PostgreSQL's advisory locks, which are known by number; any number of our own does


def upgrade(url: str, revision: str = "head") -> None:
    """Make or change the tables, all in one transaction; changes nothing when they are as they should be.

    Two processes may do it at once: the second waits for the first. A SQLite file is made if there is none.
    Raises: Misconfigured when a newer program has made the tables; Unavailable when the database can't be written.
    """
    if is_sqlite(url):
        create_sqlite_file(sqlite_path(url))
    config = _configure()
    with contextlib.closing(Database(url)) as database, database.write() as connection:
        if not is_sqlite(url):
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_NUMBER})")
        found = MigrationContext.configure(connection).get_current_revision()
        if not is_known(found):
            raise Misconfigured(
                f"the database has tables of revision {found}, which this version of Setaria does not know; "
                "start the newer version that made them, or restore a backup"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def current_revision(url: str) -> str | None:
    """Tell the revision of the tables in a database; None when it has none.

    Raises: Unavailable when the database can't be read.
    """
    with contextlib.closing(Database(url)) as database, database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_known(revision: str | None) -> bool:
    """Tell whether this program can work with tables of a revision, after an upgrade if need be; None is no tables."""
    scripts = ScriptDirectory.from_config(_configure()).walk_revisions()
    return revision is None or revision in {script.revision for script in scripts}


def head_revision() -> str:
    """Tell the revision that this program works with, as the folder of migrations says."""
    head = ScriptDirectory.from_config(_configure()).get_current_head()
    if head is None:
        raise LookupError("the folder of migrations is empty")
    return head


def _configure() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config

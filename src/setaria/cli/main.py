"""Program: `setaria`, with its commands, and the one place where their errors end."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from setaria.bootstrap.output import give_up_output
from setaria.cli.accounts import accounts
from setaria.cli.codes import codes
from setaria.cli.database import database
from setaria.cli.keys import keys
from setaria.cli.ledger import ledger
from setaria.cli.limits import limits
from setaria.cli.models import models
from setaria.cli.place import Place
from setaria.cli.plans import plans
from setaria.cli.prices import prices
from setaria.cli.system import config, doctor, serve, version
from setaria.cli.upstreams import upstreams
from setaria.cli.usage import calls, usage
from setaria.core.errors import NotFound, SetariaError

_REFUSED = 1
_NOT_FOUND = 3


program = typer.Typer(
    name="setaria",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
program.command()(serve)
program.add_typer(keys, name="keys")
program.add_typer(accounts, name="accounts")
program.add_typer(limits, name="limits")
program.add_typer(codes, name="codes")
program.add_typer(upstreams, name="upstreams")
program.add_typer(models, name="models")
program.add_typer(prices, name="prices")
program.add_typer(plans, name="plans")
program.command()(usage)
program.add_typer(calls, name="calls")
program.add_typer(ledger, name="ledger")
program.add_typer(database, name="db")
program.add_typer(config, name="config")
program.command()(doctor)
program.command()(version)


@program.callback()
def _choose_place(
    context: typer.Context,
    data: Annotated[
        str | None, typer.Option("--data", metavar="DIR", help="The data folder; ~/.local/share/setaria by default.")
    ] = None,
    config_file: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="The configuration; DATA/setaria.toml by default.")
    ] = None,
) -> None:
    """Setaria turns model servers into an API platform."""
    context.obj = Place(_read_path(data, "--data"), _read_path(config_file, "--config"))


def _read_path(text: str | None, flag: str) -> Path | None:
    """Read a flag's path; an empty one is a shell variable that was not set, and never means this folder."""
    if text == "":
        raise typer.BadParameter("a path is missing", param_hint=flag)
    return None if text is None else Path(text)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and end the process.

    Takes: arguments; None for those of the command line.
    Gives: exit code 0 done, 1 refused or failed, 2 wrong usage, 3 not found; every error is one line on standard error.
    """
    try:
        _run(arguments)
    except NotFound as error:
        _end(str(error), _NOT_FOUND)
    except SetariaError as error:
        _end(str(error), _REFUSED)
    except OSError as error:
        give_up_output()
        _end(f"the system does not let this be done: {error}", _REFUSED)
    except Exception as error:
        _end(f"this is a defect of Setaria, please report it: {type(error).__name__}: {error}", _REFUSED)
    sys.exit(0)


def _run(arguments: Sequence[str] | None) -> None:
    """Run the program; what it printed has been written when this returns or raises SystemExit."""
    try:
        program(args=arguments, prog_name="setaria")
    except SystemExit:
        sys.stdout.flush()
        raise


def _end(message: str, code: int) -> NoReturn:
    typer.echo(f"setaria: {' '.join(message.split())}", err=True)
    sys.exit(code)

"""Program: `setaria`, with its commands, and the one place where their errors end."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from setaria.cli.accounts import accounts
from setaria.cli.keys import keys
from setaria.cli.models import models
from setaria.cli.place import Place
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
program.add_typer(upstreams, name="upstreams")
program.add_typer(models, name="models")
program.command()(usage)
program.add_typer(calls, name="calls")
program.add_typer(config, name="config")
program.command()(doctor)
program.command()(version)


@program.callback()
def _choose_place(
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="The data folder; ~/.local/share/setaria by default.")
    ] = None,
    config_file: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="The configuration; DATA/setaria.toml by default.")
    ] = None,
) -> None:
    """Setaria turns model servers into an API platform."""
    context.obj = Place(data, config_file)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and end the process.

    Takes: arguments; None for those of the command line.
    Gives: exit code 0 done, 1 refused or failed, 2 wrong usage, 3 not found; every error is one line on standard error.
    """
    try:
        program(args=arguments, prog_name="setaria")
    except NotFound as error:
        _end(str(error), _NOT_FOUND)
    except SetariaError as error:
        _end(str(error), _REFUSED)
    except Exception as error:
        _end(f"this is a defect of Setaria, please report it: {type(error).__name__}: {error}", _REFUSED)
    sys.exit(0)


def _end(message: str, code: int) -> NoReturn:
    typer.echo(f"setaria: {' '.join(message.split())}", err=True)
    sys.exit(code)

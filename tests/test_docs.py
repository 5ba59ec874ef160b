"""Documents: every setting, command, error kind and route stands in its document, as it is in the code."""

import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

import msgspec
import pytest
import typer
from msgspec.structs import fields

from setaria.adapters.telemetry.metrics import FAMILIES
from setaria.cli.main import program
from setaria.config import ENTRIES, ENVIRONMENT, NOT_YET, SETTINGS, describe_allowed
from setaria.core import errors
from setaria.core.entries import ThinkingStyle
from setaria.core.errors import ContextOverflow, SetariaError, UnknownModel, WrongMethod
from setaria.core.ids import CallId
from setaria.domain.ledger.records import Ending
from setaria.entrypoints.api.routes import ROUTES
from setaria.wire.anthropic_messages import AnthropicMessages
from setaria.wire.openai_chat import OpenAIChat

DOCS = Path(__file__).parents[1] / "docs"
MADE_OTHERWISE: Mapping[type[SetariaError], SetariaError] = {
    ContextOverflow: ContextOverflow(2, 1),
    UnknownModel: UnknownModel("x"),
    WrongMethod: WrongMethod("PUT", "/v1", "GET"),
}
KINDS = [kind for kind in vars(errors).values() if inspect.isclass(kind)]


def rows(document: str) -> list[list[str]]:
    """Read the rows of all tables of a document, each as its cells."""
    lines = (DOCS / document).read_text("utf-8").splitlines()
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines if line.startswith("|")]


def commands(app: typer.Typer, before: str) -> Iterator[str]:
    """Give every command of a program as it is typed."""
    for command in app.registered_commands:
        yield f"{before} {command.name or getattr(command.callback, '__name__', '')}"
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from commands(group.typer_instance, f"{before} {group.name}")


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_documented(name: str) -> None:
    """The table has the setting's variables, its default and what is allowed."""
    section, key = name.split(".")
    text = (DOCS / "configuration.md").read_text("utf-8").partition(f"## `[{section}]`\n")[2].partition("\n## ")[0]
    row = next(line for line in text.splitlines() if line.startswith(f"| `{key}` |"))
    assert [variable for variable, each in ENVIRONMENT.items() if each == name and f"`{variable}`" not in row] == []
    default = SETTINGS[name].default
    if default is not msgspec.NODEFAULT:
        assert f"| {'empty' if default in ('', ()) else f'`{default}`'} |" in row
    if isinstance(default, int):
        assert f"| {describe_allowed(name).removeprefix('a whole number from ')} |" in row


@pytest.mark.parametrize("name", ENTRIES)
def test_every_setting_of_an_entry_is_documented(name: str) -> None:
    """The table of upstreams, models, timeouts or deployments has each setting with its default, and no others."""
    title = f"### `{name.split('.')[1]}`" if "." in name else f"## `[[{name}]]`"
    text = (DOCS / "configuration.md").read_text("utf-8").partition(f"\n{title}\n")[2]
    table = re.split(r"\n#|\n\n\| `", text)[0]
    lines = {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}
    known = {field.name: field for field in fields(ENTRIES[name])}
    assert [*lines] == [*known]
    for key, field in known.items():
        if isinstance(field.default, int | float) or (field.default and isinstance(field.default, str)):
            assert f"| `{field.default}` |" in lines[key]


def test_every_thinking_style_is_documented() -> None:
    """The table has each style, and no others."""
    documented = {row[0].strip("`") for row in rows("configuration.md") if row[0].startswith("`")}
    assert {*get_args(ThinkingStyle)} <= documented


def test_nothing_is_documented_that_cannot_be_set() -> None:
    """Every variable in the document exists."""
    text = (DOCS / "configuration.md").read_text("utf-8")
    assert set(re.findall(r"SETARIA_[A-Z_]*[A-Z]", text)) == {*ENVIRONMENT}
    assert [name for name in NOT_YET if name.split(".")[-1] not in text.partition("## Not yet available")[2]] == []


def test_every_command_is_documented() -> None:
    """The table has the program's commands, and no others."""
    documented = {row[0].strip("`") for row in rows("commands.md") if row[0].startswith("`setaria ")}
    assert documented == set(commands(program, "setaria"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_kind_is_documented(kind: type[SetariaError]) -> None:
    """The table has the status and type that both protocols give to the kind."""
    error = MADE_OTHERWISE.get(kind) or kind("x")
    expected = []
    for codec in (OpenAIChat(), AnthropicMessages()):
        status, body = codec.write_error(error, CallId("0" * 32))
        expected.append(f"{status} `{msgspec.json.decode(body)['error']['type']}`")
    found = next(row for row in rows("errors.md") if row[0].strip("*") == f"`{kind.__name__}`")
    assert found[1:3] == expected


def test_no_error_kind_is_documented_that_is_not_there() -> None:
    """The table has no other kinds."""
    documented = {row[0].strip("*`") for row in rows("errors.md") if "`" in row[0]}
    assert documented == {kind.__name__ for kind in KINDS}


def test_every_route_is_documented() -> None:
    """The table has every path with its methods."""
    documented = {row[0].strip("`"): row[1] for row in rows("api.md") if row[0].startswith("`/")}
    assert {route.path: documented.get(route.path) for route in ROUTES} == {
        route.path: ", ".join(route.methods) for route in ROUTES
    }


def test_every_metric_is_documented() -> None:
    """The table has each family with its kind and labels, and no others."""
    documented = [row[:3] for row in rows("operations.md") if row[0].startswith("`setaria_")]
    assert documented == [
        [f"`{family.name}`", family.kind, ", ".join(f"`{label}`" for label in family.labels)] for family in FAMILIES
    ]


def test_the_glossary_is_in_order_and_whole() -> None:
    """Words are sorted and explained once, and every ending is among its own."""
    words = [row[0] for row in rows("glossary.md")[2:]]
    assert words == sorted(set(words))
    endings = next(row[1] for row in rows("glossary.md") if row[0] == "ending")
    assert re.findall("`([a-z_]+)`", endings) == [*get_args(Ending)]


def test_links_between_documents_lead_somewhere() -> None:
    """A relative link names a file that is there."""
    for document in DOCS.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text("utf-8")):
            assert "://" in target or (document.parent / target).exists(), f"{document.name}: {target}"

"""Architecture: the rules of CONTRIBUTING.md that no linter knows, each with sources that break it."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

SRC = Path(__file__).parents[1] / "src" / "setaria"

# Who may import whom, besides itself. A place of two parts is a room of its own and never imports the one next door.
BELOW_GATEWAY = {"domain", "wire", "core"}
ARROWS: Mapping[str, set[str]] = {
    "cli": {"bootstrap", "config", "management", "core"},
    "bootstrap": {"adapters", "config", "entrypoints", "gateway", "management"} | BELOW_GATEWAY,
    "config": {"core"},
    "entrypoints": {"gateway", "management"} | BELOW_GATEWAY,
    "gateway": BELOW_GATEWAY,
    "management": BELOW_GATEWAY,
    "adapters": BELOW_GATEWAY,
    "domain": {"wire", "core"},
    "wire": {"core"},
    "core": set(),
}
ROOMED = {"adapters", "domain", "entrypoints"}

LIMITS = {"lines in the file": 400, "lines in the function": 60, "parameters": 6, "levels of nesting": 4}
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.With, ast.AsyncWith, ast.Match)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
IMPORTS = (ast.Import, ast.ImportFrom)
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "manager", "base"}

CATCH_ALL = {  # the places where every exception ends, and what each is: docs/decisions/0009
    "entrypoints/api/dispatch.py": "API entry",
    "entrypoints/jobs/runner.py": "jobs runner",
    "cli/main.py": "command line",
    "adapters/store/sqlite/lane.py": "a thread's job",
}
LATE_IMPORTS = ("cli/", "bootstrap/")  # start-up time; each process loads only what it runs
EXACT = ("core/", "domain/ledger/", "gateway/")  # no Any, cast or type: ignore, whatever the reason


class Source(NamedTuple):
    """One file of the package: its path below `src/setaria`, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def parts(self) -> list[str]:
        """The module's name below `setaria`, in parts."""
        return [part for part in self.path.removesuffix(".py").split("/") if part != "__init__"]

    def at(self, line: int, problem: str) -> str:
        """Write a problem so that an editor finds it."""
        return f"{self.path}:{line}: {problem}"


def read(files: Mapping[str, str]) -> list[Source]:
    """Parse files given as path to text."""
    return [Source(path, text, ast.parse(text, path)) for path, text in sorted(files.items())]


def imported(source: Source) -> Iterator[tuple[int, list[str]]]:
    """Give line and parts of every name that is imported from Setaria, relative imports included."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = ["setaria", *source.parts, *(["__init__"] if source.path.endswith("__init__.py") else [])]
            start = package[: -node.level] if node.level else []
            module = node.module.split(".") if node.module else []
            names = [[*start, *module, alias.name] for alias in node.names]
        else:
            continue
        yield from ((node.lineno, name[1:]) for name in names if name[0] == "setaria")


def place(parts: list[str]) -> list[str]:
    """Give the layer that a module is in, with the room where the layer has rooms."""
    return parts[:2] if parts[:1] and parts[0] in ROOMED else parts[:1]


def check_arrows(sources: list[Source]) -> Iterator[str]:
    """Imports point down the layers."""
    for source in sources:
        here = place(source.parts)
        if here and here[0] not in ARROWS:
            yield source.at(1, f"{here[0]} is no layer")
            continue
        for line, target in imported(source):
            there = place(target)
            if there not in (here, ["__version__"]) and not (here and there and there[0] in ARROWS[here[0]]):
                yield source.at(line, f"{'/'.join(here)} may not import {'.'.join(target)}")


def check_cycles(sources: list[Source]) -> Iterator[str]:
    """No module imports itself through others."""
    modules = {tuple(source.parts) for source in sources}
    graph: dict[str, set[str]] = {}
    for source in sources:
        targets = {tuple(name) if tuple(name) in modules else tuple(name[:-1]) for _, name in imported(source)}
        graph[".".join(source.parts)] = {".".join(target) for target in targets - {tuple(source.parts)}}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        yield f"import cycle: {' -> '.join(reversed(cycle.args[1]))}"


def check_sizes(sources: list[Source]) -> Iterator[str]:
    """Files and functions stay small enough to be read at once."""
    for source in sources:
        sizes = [(1, "lines in the file", source.text.count("\n"))]
        for node in ast.walk(source.tree):
            if isinstance(node, FUNCTIONS):
                names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
                sizes += [
                    (node.lineno, "lines in the function", (node.end_lineno or 0) - node.lineno + 1),
                    (node.lineno, "parameters", len(names) - (names[:1] in (["self"], ["cls"]))),
                    (node.lineno, "levels of nesting", nesting(node)),
                ]
        for line, what, size in sizes:
            if size > LIMITS[what]:
                yield source.at(line, f"{size} {what}, at most {LIMITS[what]}")


def nesting(node: ast.AST) -> int:
    """Count the levels of blocks below a node; an `elif` is no level, a function inside counts for itself."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (*FUNCTIONS, ast.ClassDef)):
            is_elif = isinstance(child, ast.If) and isinstance(node, ast.If) and node.orelse == [child]
            deepest = max(deepest, nesting(child) + (isinstance(child, BLOCKS) and not is_elif))
    return deepest


def check_excepts(sources: list[Source]) -> Iterator[str]:
    """Only the places of CATCH_ALL catch everything, and they say `Exception`; elsewhere it is raised again."""
    for source in sources:
        for node in ast.walk(source.tree):
            caught: list[ast.expr] = []
            if isinstance(node, ast.ExceptHandler):
                caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type or ast.Name("everything")]
            elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "suppress":
                caught = node.args
            names = {ast.unparse(name) for name in caught} & {"everything", "BaseException", "Exception"}
            goes_on = isinstance(node, ast.ExceptHandler) and ast.unparse(node.body[-1]) == "raise"
            if names - ({"Exception"} if goes_on or source.path in CATCH_ALL else set()):
                yield source.at(getattr(node, "lineno", 1), f"catches {min(names)}")


def check_names(sources: list[Source]) -> Iterator[str]:
    """A file or folder is named by what it holds."""
    for source in sources:
        for name in FORBIDDEN_NAMES.intersection(source.parts):
            yield source.at(1, f"{name} says nothing about what is in it")


def check_late_imports(sources: list[Source]) -> Iterator[str]:
    """Imports stand at the top."""
    for source in sources:
        functions = [node for node in ast.walk(source.tree) if isinstance(node, FUNCTIONS)]
        inner = {node.lineno for function in functions for node in ast.walk(function) if isinstance(node, IMPORTS)}
        if not source.path.startswith(LATE_IMPORTS):
            yield from (source.at(line, "import inside a function") for line in sorted(inner))


def check_docstrings(sources: list[Source]) -> Iterator[str]:
    """Every file says what it is; an `__init__.py` holds public names and nothing else."""
    for source in sources:
        if not (ast.get_docstring(source.tree, clean=False) or "\n").splitlines()[0].strip():
            yield source.at(1, "the docstring's first line is missing")
        if source.path.endswith("__init__.py"):
            for node in source.tree.body:
                names = [ast.unparse(target) for target in node.targets] if isinstance(node, ast.Assign) else []
                is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
                if not (is_text or isinstance(node, IMPORTS) or names in (["__all__"], ["__version__"])):
                    yield source.at(node.lineno, "more than public names in __init__.py")


def check_escapes(sources: list[Source]) -> Iterator[str]:
    """Any, cast and type: ignore carry a reason on their line, and are absent where money and truth are handled."""
    for source in sources:
        comments = {
            token.start[0]: token.string
            for token in tokenize.generate_tokens(io.StringIO(source.text).readline)
            if token.type == tokenize.COMMENT
        }
        escapes = {line: "type: ignore" for line, comment in comments.items() if re.search(r"type:\s*ignore", comment)}
        for node in ast.walk(source.tree):
            name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
            if name in {"Any", "cast"} and isinstance(node, ast.expr):
                escapes[node.lineno] = name
        for line, name in sorted(escapes.items()):
            reason = re.sub(r"type:\s*ignore(\[.*?\])?|noqa(: *[A-Z0-9, ]+)?\b", "", comments.get(line, ""))
            if source.path.startswith(EXACT):
                yield source.at(line, f"{name} is forbidden here")
            elif not re.search(r"\w{2}", reason):
                yield source.at(line, f"{name} without a reason on its line")


Check = Callable[[list[Source]], Iterable[str]]
CHECKS: list[Check] = [
    check_arrows,
    check_cycles,
    check_sizes,
    check_excepts,
    check_names,
    check_late_imports,
    check_docstrings,
    check_escapes,
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_package_holds_to(check: Check) -> None:
    """The package breaks no rule."""
    sources = read({path.relative_to(SRC).as_posix(): path.read_text("utf-8") for path in SRC.rglob("*.py")})
    assert list(check(sources)) == []


DEEP = "def f():\n for a in b:\n  if a: pass\n  elif b: pass\n  elif c: pass\n  else:\n   while c:\n    with d: {}\n"
CASES: list[tuple[Check, str, str, str | None]] = [
    (check_arrows, "wire/a.py", "import asyncio\nfrom setaria.core import ids", None),
    (check_arrows, "cli/a.py", "from setaria.cli import b\nimport setaria.bootstrap.worker", None),
    (check_arrows, "cli/a.py", "from setaria import __version__", None),
    (check_arrows, "adapters/store/a.py", "from setaria.adapters.store.b import c", None),
    (check_arrows, "bootstrap/a.py", "import setaria.config, setaria.adapters.store, setaria.entrypoints.api", None),
    (check_arrows, "core/__init__.py", "from . import ids\nfrom .ids import x", None),
    (check_arrows, "core/__init__.py", "from .. import wire", "1: core may not import wire"),
    (check_arrows, "core/a.py", "from ..wire import b", "1: core may not import wire.b"),
    (check_arrows, "core/a.py", "from setaria import wire", "1: core may not import wire"),
    (check_arrows, "core/a.py", "\nimport setaria.config", "2: core may not import config"),
    (check_arrows, "wire/a.py", "import setaria.domain.x", "1: wire may not import domain.x"),
    (check_arrows, "domain/x/a.py", "import setaria.domain.ledger.b", "1: domain/x may not import domain.ledger.b"),
    (check_arrows, "gateway/a.py", "import setaria.management", "1: gateway may not import management"),
    (check_arrows, "management/a.py", "import setaria.gateway", "1: management may not import gateway"),
    (check_arrows, "entrypoints/b/a.py", "import setaria.adapters.x", "1: entrypoints/b may not import adapters.x"),
    (
        check_arrows,
        "entrypoints/b/a.py",
        "import setaria.entrypoints.c",
        "1: entrypoints/b may not import entrypoints.c",
    ),
    (check_arrows, "adapters/b/a.py", "import setaria.adapters.c", "1: adapters/b may not import adapters.c"),
    (check_arrows, "adapters/b/a.py", "import setaria.config", "1: adapters/b may not import config"),
    (check_arrows, "cli/a.py", "import setaria.adapters.store", "1: cli may not import adapters.store"),
    (check_arrows, "bootstrap/a.py", "import setaria.cli", "1: bootstrap may not import cli"),
    (check_arrows, "config.py", "import setaria.wire", "1: config may not import wire"),
    (check_arrows, "tools/a.py", "", "1: tools is no layer"),
    (check_sizes, "a.py", "\n" * 400, None),
    (check_sizes, "a.py", "\n" * 401, "1: 401 lines in the file, at most 400"),
    (check_sizes, "a.py", "def f():\n" + " 1\n" * 59, None),
    (check_sizes, "a.py", "def f():\n" + " 1\n" * 60, "1: 61 lines in the function, at most 60"),
    (check_sizes, "a.py", "class A:\n def f(self, a, b, c, *, d, e, f): 1", None),
    (check_sizes, "a.py", "async def f(a, b, c, /, d, e, f, *, g): 1", "1: 7 parameters, at most 6"),
    (check_sizes, "a.py", DEEP.format("pass"), None),
    (check_sizes, "a.py", DEEP.format("\n     try: 1\n     finally: 2"), "1: 5 levels of nesting, at most 4"),
    (check_excepts, "cli/main.py", "try: 1\nexcept Exception: 2", None),
    (check_excepts, "cli/main.py", "try: 1\nexcept: 2", "2: catches everything"),
    (check_excepts, "cli/main.py", "try: 1\nexcept BaseException: 2", "2: catches BaseException"),
    (check_excepts, "wire/a.py", "try: 1\nexcept (OSError, Exception): 2", "2: catches Exception"),
    (check_excepts, "wire/a.py", "with contextlib.suppress(Exception): 1", "1: catches Exception"),
    (check_excepts, "wire/a.py", "try: 1\nexcept Exception:\n 2\n raise", None),
    (check_excepts, "wire/a.py", "try: 1\nexcept Exception:\n raise\n 2", "2: catches Exception"),
    (check_excepts, "wire/a.py", "try: 1\nexcept BaseException:\n 2\n raise", "2: catches BaseException"),
    (check_excepts, "wire/a.py", "try: 1\nexcept (OSError, ValueError): 2", None),
    (check_names, "core/utils.py", "", "1: utils says nothing about what is in it"),
    (check_names, "core/base/a.py", "", "1: base says nothing about what is in it"),
    (check_names, "core/database.py", "", None),
    (check_late_imports, "core/a.py", "def f():\n import os", "2: import inside a function"),
    (check_late_imports, "cli/a.py", "def f():\n import os", None),
    (check_late_imports, "bootstrap/a.py", "def f():\n import os", None),
    (check_late_imports, "core/a.py", "try: import uvloop\nexcept ImportError: uvloop = None", None),
    (check_docstrings, "core/a.py", "import os", "1: the docstring's first line is missing"),
    (check_docstrings, "core/a.py", '"""\nLate."""', "1: the docstring's first line is missing"),
    (check_docstrings, "__init__.py", '"""A."""\nfrom b import c\n__all__ = ["c"]\n__version__ = "1"', None),
    (check_docstrings, "__init__.py", '"""A."""\nc = 1', "2: more than public names in __init__.py"),
    (check_escapes, "wire/a.py", "from typing import Any\na: Any = 1  # JSON as it comes", None),
    (check_escapes, "wire/a.py", "a: list[Any] = 1  # noqa: E501", "1: Any without a reason on its line"),
    (check_escapes, "wire/a.py", "typing.cast('int', a)", "1: cast without a reason on its line"),
    (check_escapes, "wire/a.py", "f()  # type: ignore[x]", "1: type: ignore without a reason on its line"),
    (check_escapes, "wire/a.py", "f()  # type: ignore[x]  # no stubs", None),
    (check_escapes, "gateway/a.py", "a: Any  # a reason", "1: Any is forbidden here"),
    (check_escapes, "core/a.py", "f()  # type: ignore[x]  # why", "1: type: ignore is forbidden here"),
    (check_escapes, "domain/ledger/a.py", "cast(a, b)", "1: cast is forbidden here"),
]


@pytest.mark.parametrize("check, path, text, problem", CASES)
def test_each_rule_can_fail(check: Check, path: str, text: str, problem: str | None) -> None:
    """A source that breaks a rule is found with its line, one that keeps it is not."""
    expected = [f"{path}:{problem}"] if problem else []
    assert list(check(read({path: text}))) == expected


@pytest.mark.parametrize(
    "first, second, expected",
    [
        ("from setaria.core import b", "from setaria.core.c import d", []),
        ("from setaria.core import b", "from setaria.core.a import d", ["import cycle: core.a -> core.b -> core.a"]),
        ("import setaria.core.b", "from setaria.core import a", ["import cycle: core.a -> core.b -> core.a"]),
    ],
)
def test_a_cycle_is_found(first: str, second: str, expected: list[str]) -> None:
    """Two modules that import each other are found, whichever way they say it."""
    assert list(check_cycles(read({"core/a.py": first, "core/b.py": second}))) == expected

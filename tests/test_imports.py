"""Imports go down only: supervisor → config, logs, backoff; services → runtime → protocol and tiling."""

import ast
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parent.parent
SERVICES = {"keeper", "generator", "renderer", "gateway", "commands"}
LEAVES = {"protocol", "services.tiling"}
SUPERVISOR = {
    "services.config",
    "services.lifeline",
    "services.logs",
    "services.backoff",
    "services.supervision",
    "protocol",
}


def module_name(path: Path) -> str:
    parts = path.relative_to(TREE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources() -> dict[str, Path]:
    paths = [*TREE.glob("protocol/**/*.py"), *TREE.glob("services/**/*.py"), TREE / "supervisor.py"]
    return {module_name(path): path for path in paths}


def imported(path: Path) -> set[str]:
    """Every module of ours that a file imports, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            names = {f"{module}.{alias.name}" for alias in node.names}
            found |= {name if name in ALL else module for name in names}
    return {name for name in found if name.split(".")[0] in ("protocol", "services", "supervisor")}


ALL = sources()


def within(name: str, tops: set[str]) -> bool:
    return any(name == top or name.startswith(top + ".") for top in tops)


def allowed(importer: str, name: str) -> bool:
    if name == "services":
        return True
    if within(importer, {"protocol"}):
        return within(name, {"protocol"})
    if within(importer, {"services.tiling"}):
        return within(name, {"services.tiling"})
    if within(importer, {"supervisor", "services.supervision"}):
        return within(name, SUPERVISOR)
    top = importer.split(".")[1] if "." in importer else ""
    own = {f"services.{top}"} if top in SERVICES else set()
    if importer == "services.drill.stubs.keeper":
        # It is the keeper itself, with smaller limits.
        own = {"services.keeper"}
    others = {f"services.{service}" for service in SERVICES} - own
    return not within(name, others | {"supervisor"})


@pytest.mark.parametrize("importer", sorted(ALL))
def test_imports_go_down(importer: str) -> None:
    wrong = {name for name in imported(ALL[importer]) if not allowed(importer, name)}
    assert wrong == set()


@pytest.mark.parametrize("importer", sorted(name for name in ALL if within(name, {"services.tiling"})))
def test_tiling_needs_the_standard_library_alone(importer: str) -> None:
    tree = ast.parse(ALL[importer].read_text())
    roots = {
        (node.module or "").split(".")[0]
        if isinstance(node, ast.ImportFrom)
        else node.names[0].name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert roots <= {*sys.stdlib_module_names, "services"}


def test_there_are_no_circles() -> None:
    graph = {name: imported(path) - {name} for name, path in ALL.items()}
    state: dict[str, int] = {}

    def visit(name: str, trail: list[str]) -> None:
        assert state.get(name) != 1, " → ".join([*trail, name])
        if name in state:
            return
        state[name] = 1
        for below in graph.get(name, ()):
            visit(below, [*trail, name])
        state[name] = 2

    for name in graph:
        visit(name, [])


def test_there_are_no_drawers() -> None:
    assert not {name.split(".")[-1] for name in ALL} & {
        "util",
        "utils",
        "common",
        "helpers",
        "misc",
        "manager",
    }

"""What the code imports, what pyproject.toml declares and what decision 33 justifies are the same."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
_SOURCES = [one for one in (ROOT / "renderowl").rglob("*.py") if "testing" not in one.relative_to(ROOT).parts]
_EXTRAS = {"hiredis"}  # comes as redis[hiredis]


def _same(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + [one for extra in project["optional-dependencies"].values() for one in extra]
    return {_same(re.split(r"[^\w.-]", one)[0]) for one in wanted}


def _imported() -> set[str]:
    packages = set()
    for source in _SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                packages |= {one.name.split(".")[0] for one in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                packages.add(node.module.split(".")[0])
    return packages - sys.stdlib_module_names - {"renderowl", "piccolo_conf"}


def test_every_import_is_of_a_declared_dependency() -> None:
    of = packages_distributions()
    declared = _declared() | _EXTRAS

    imported = _imported()

    assert {"litestar", "asyncpg", "httpx"} <= imported
    assert [one for one in sorted(imported) if not {_same(name) for name in of.get(one, [])} & declared] == []


def test_decision_33_lists_exactly_the_declared_dependencies() -> None:
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / "docs/decisions/0033-dependencies.md").read_text(), re.MULTILINE)

    listed = {_same(name) for row in rows for name in re.findall(r"`([^`]+)`", row)}

    assert listed == _declared()

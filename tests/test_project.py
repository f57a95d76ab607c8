"""What holds the house together: import rules, floors, the quick import, the docs' examples."""

import ast
import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib

import pytest
import yaml

import mtasts_analysis as ma
from tests.conftest import ROOT

PACKAGE = ROOT / "mtasts_analysis"
# Each may import those before it, and itself.
ORDER = [
    "printable",
    "errors",
    "names",
    "arguments",
    "limits",
    "wording",
    "findings",
    "archive",
    "checks",
    "analysis",
    "readiness",
    "show",
    "bundled",
    "data",
    "store",
    "exploring",
    "judging",
    "live",
    "commands",
    "cli",
    "__main__",
]
ONLY = {
    "matplotlib": {"show"},
    "ipywidgets": {"show"},
    "pandas": {"analysis", "readiness", "show", "data", "store", "live", "judging"},
}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "mtasts_analysis":
                yield from (f"mtasts_analysis.{alias.name}" for alias in node.names)


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_who_may_import_whom(path):
    home = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if home == "__init__":
        return
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "mtasts_analysis" and len(parts) > 1 and parts[1] in ORDER:
            assert ORDER.index(parts[1]) <= ORDER.index(home), f"{home} imports {name}"
        elif parts[0] in ONLY:
            assert home in ONLY[parts[0]], f"{home} imports {name}"


def test_the_import_is_quick():
    """It loads no heavy package; benchmarks/load.py measures the time."""
    code = "import sys, mtasts_analysis; print(sorted({'pandas', 'pyarrow', 'matplotlib', 'msgspec'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names():
    assert set(ma.__all__) == set(ma._HOMES)
    for name in ma.__all__:
        assert getattr(ma, name) is not None
    with pytest.raises(AttributeError):
        _ = ma.nothing
    assert {name for name in dir(ma) if not name.startswith("__")} == set(ma.__all__)


def test_floors_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = set(project["dependencies"])
    for extra in ("dkim", "xlsx", "docx", "pdf", "s3", "dask"):
        wanted |= set(project["optional-dependencies"][extra])
    conda = {"msgspec-python": "msgspec", "python-isal": "isal", "matplotlib-base": "matplotlib"}
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    wanted = {item.partition(";")[0] for item in wanted}
    found = set()
    for item in [i for i in environment if isinstance(i, str)] + environment[-1]["pip"]:
        name, _, floor = item.partition(">=")
        if name == "python":
            assert project["requires-python"] == f">={floor}"
        elif floor:
            found.add(f"{conda.get(name, name)}>={floor}")
    assert found == wanted


MODULES = [m.name for m in pkgutil.walk_packages([str(PACKAGE)], "mtasts_analysis.")]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_readme_examples(tmp_path, monkeypatch):
    """Every Python example of the README runs."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert blocks
    monkeypatch.chdir(tmp_path)
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})


def test_readme_commands_exist():
    text = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "test"} <= set(re.findall(r"`make ([a-z-]+)`", text)) <= targets


# What asserts by a name of its own; the last two do it in modules of their own.
PROOFS = {"raises", "warns", "assert_frame_equal", "accounted", "same"}


def asserts(function, beside):
    """Whether it asserts, itself or by a function that stands beside it."""
    called = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            called.add(ast.unparse(node.func).rpartition(".")[2])
    if called & PROOFS:
        return True
    rest = {name: there for name, there in beside.items() if there is not function}
    return any(asserts(rest[name], rest) for name in called & rest.keys())


# What they give to the code must not raise; what must hold of the result, each target asserts.
BY_TARGET = {"test_what_once_failed", "test_seeds", "test_any_bytes", "test_any_text"}


def test_every_test_asserts_something():
    silent = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        functions = {
            node.name: node
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        silent |= {
            name
            for name, node in functions.items()
            if name.startswith("test_") and not asserts(node, functions)
        }
    assert silent == BY_TARGET | {"test_examples"}, "the examples of docs/ assert for themselves"

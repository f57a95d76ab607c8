"""docs/dependencies.md, pyproject.toml and the imports say the same; the floors and the audit are what they claim."""

import ast
import functools
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

from tests import audit, lowest
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
GROUPS = PROJECT["optional-dependencies"]


def names(*lists):
    """The names in lists of requirements, without our own extras."""
    found = [re.split(r"[>=\[]", item)[0].lower() for items in lists for item in items]
    return [name for name in found if name != PROJECT["name"]]


SECTIONS = {
    "Core": names(PROJECT["dependencies"]),
    "Extras": names(*(GROUPS[e] for e in GROUPS if e not in {"all", "test", "fuzz", "lint"})),
    "Tests": names(GROUPS["test"]),
    "Fuzz": names(GROUPS["fuzz"]),
    "Lint": names(GROUPS["lint"]),
}
PAGE = (ROOT / "docs" / "dependencies.md").read_text()


def rows(section):
    body = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    cells = [line.strip("| ").split(" | ") for line in body.splitlines() if line.startswith("| ")]
    return {row[0]: row[-1] for row in cells[1:]}


@functools.cache
def imported(*folders):
    """The distributions that the code under these folders imports."""
    known = packages_distributions()
    found = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                modules = (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import)
                    else [node.module or ""]
                    if isinstance(node, ast.ImportFrom) and node.level == 0
                    else []
                )
                tops = {module.partition(".")[0] for module in modules} - set(
                    sys.stdlib_module_names
                )
                found |= {
                    dist.lower()
                    for top in tops
                    for dist in known.get(top, [f"no package has {top}"])
                }
    return {name for name in found if "mtasts" not in name and " " not in name}


@pytest.mark.parametrize("section", SECTIONS)
def test_each_has_its_reason(section):
    told = rows(section)
    assert list(told) == SECTIONS[section], "the same packages, in the same order"
    assert all(len(reason) > 10 for reason in told.values())


def test_what_is_imported_is_declared():
    brought = {"fsspec"}  # by s3fs; without it there is no address that names a bucket
    assert imported("mtasts_analysis") <= {*SECTIONS["Core"], *SECTIONS["Extras"], *brought}


@pytest.mark.parametrize(
    ("section", "folders"),
    [("Core", ["mtasts_analysis"]), ("Extras", ["mtasts_analysis"]), ("Tests", ["tests"]), ("Lint", ["tests"])],
)  # fmt: skip
def test_what_is_declared_is_imported_or_says_why_not(section, folders):
    unused = {name for name, why in rows(section).items() if name not in imported(*folders)}
    assert unused == {
        n for n, why in rows(section).items() if re.search("not imported|we do not", why)
    }


def test_every_dependency_has_a_floor_that_is_tested():
    pins = lowest.floors()
    assert names(pins) == [*SECTIONS["Core"], *SECTIONS["Extras"], *SECTIONS["Tests"]]
    pinned = re.compile(r"[\w.-]+==[\d.]+(; python_version < '3\.\d+')?")
    assert all(map(pinned.fullmatch, pins)), "a floor and nothing else"


AUDITS = [
    ([], 0, "NOT AUDITED", "no answer"),
    ([{"name": "a", "skip_reason": "not found"}], 0, "NOT AUDITED", "a registry without the data"),
    ([{"name": "a", "version": "1", "vulns": []}], 0, "1 of 1", "clean"),
    (
        [{"name": "a", "version": "1", "vulns": []}, {"name": "b", "version": "2", "vulns": [{"id": "X-1", "fix_versions": ["3"]}]}],
        1,
        "b 2: X-1, mended in 3",
        "one is bad",
    ),
    ([{"name": "b", "version": "2", "vulns": [{"id": "X-1", "fix_versions": []}]}], 1, "no release", "no cure yet"),
]  # fmt: skip


@pytest.mark.parametrize(("answers", "code", "said", "why"), AUDITS)
def test_audit(answers, code, said, why):
    found, text = audit.verdict(answers)
    assert (found, said in text) == (code, True), why


def test_audit_asks_once_where_the_registry_has_no_data(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(audit, "ask", lambda pins: asked.append(len(pins)) or [])
    assert audit.main() == 0
    assert asked == [1]
    assert "NOT AUDITED" in capsys.readouterr().out


def test_audit_asks_about_everything_where_it_has(monkeypatch):
    asked = []

    def ask(pins):
        asked.append(len(pins))
        return [{"name": p, "version": "1", "vulns": []} for p in pins]

    monkeypatch.setattr(audit, "ask", ask)
    assert audit.main() == 0
    assert asked == [1, len(audit.installed())] and asked[1] > 50

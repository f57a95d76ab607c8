"""Every Python example in docs/ runs; the data dictionary is the schema."""

import argparse
import importlib.util
import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest

from mtasts_analysis.archive.tables import SCHEMAS
from tests.conftest import ROOT

PAGES = sorted(p for p in (ROOT / "docs").glob("*.md") if "```python" in p.read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_examples(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        exec(compile(block, page.name, "exec"), {})


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda p: p.stem
)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def commands(page):
    """What a page says to type: in backticks, or in a block of code."""
    text = (ROOT / "docs" / f"{page}.md").read_text()
    found = re.findall(r"`([^`\n]+)`|^    (.+)$", text, re.MULTILINE)
    for said in dict.fromkeys("".join(pair) for pair in found):
        words = shlex.split(said, comments=True)
        if words[:1] == ["make"] or (words[:1] and Path(words[0]).name == "python"):
            yield pytest.param(words, id=said.partition("  #")[0].strip())


class Parsed(BaseException):
    """A program has understood its arguments; it need not run."""


@pytest.mark.parametrize("words", [*commands("reliability"), *commands("performance")])
@pytest.mark.filterwarnings("ignore:.*found in sys.modules.*:RuntimeWarning")
def test_a_command_is_there_and_takes_its_arguments(words, monkeypatch):
    """Each command by which a figure can be repeated."""
    if words[0] == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert len(words) > 1
        assert set(words[1:]) <= set(targets)
        return
    assert words[1] == "-m"
    name, given = words[2], words[3:]
    if name == "pytest":
        paths = [word for word in given if not word.startswith("-")]
        assert paths
        assert all((ROOT / path).exists() for path in paths)
        return
    spec = importlib.util.find_spec(name)
    assert spec, f"no module {name}"
    source = Path(spec.origin).read_text()
    assert 'if __name__ == "__main__":' in source
    if "ArgumentParser" not in source:
        assert not given, f"{name} takes no arguments"
        return
    real = argparse.ArgumentParser.parse_args

    def parse(self, *more):
        raise Parsed(real(self, *more))

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)
    monkeypatch.setattr(sys, "argv", [name, *given])
    with pytest.raises(Parsed):
        runpy.run_module(name, run_name="__main__")


def test_there_are_commands():
    assert len([*commands("reliability")]) > 12
    assert len([*commands("performance")]) > 5


def test_the_data_dictionary_names_every_column_and_its_type():
    kinds = {"string": "text", "double": "number", "int64": "count"}
    told = {}
    for section in (ROOT / "docs" / "data-dictionary.md").read_text().split("\n## ")[1:]:
        rows = re.findall(r"^\| ([a-z_, ]+) \| (\w+) \|", section, re.MULTILINE)
        named = {name: kind for names, kind in rows for name in names.split(", ")}
        told[section.partition(":")[0]] = {k: v for k, v in named.items() if k != "column"}
    for name, schema in SCHEMAS.items():
        held = {}
        for field in schema:
            kind = str(field.type)
            begun = {"timestamp": "time", "dictionary": "word", "list": "list"}
            held[field.name] = kinds.get(kind) or begun[re.match("[a-z]+", kind)[0]]
        assert told[name] == held

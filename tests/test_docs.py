"""Every Python example in docs/ runs; the data dictionary is the schema."""

import re

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

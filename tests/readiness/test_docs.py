"""docs/readiness.md says what the code does: gates, thresholds, verdicts, files."""

import inspect
import re
import tomllib
from dataclasses import fields

from mtasts_analysis.commands import _CODES
from mtasts_analysis.readiness.acknowledged import read_acknowledged
from mtasts_analysis.readiness.alerts import AlertRules, read_rules
from mtasts_analysis.readiness.config import DEFAULT, ReadinessConfig
from mtasts_analysis.readiness.gates import RULES
from mtasts_analysis.readiness.judgement import VERDICTS
from mtasts_analysis.readiness.stages import STAGES
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "readiness.md").read_text()
VALUES = {f.name: getattr(DEFAULT, f.name) for f in fields(DEFAULT)}


def test_each_gate_with_rule_thresholds_and_reference():
    for rule in RULES:
        names = ", ".join(f"`{name}`" for name in rule.thresholds) or "–"
        asked = rule.question.format(**VALUES)
        assert f"| `{rule.code}` | {asked} | {names} | {rule.half} | {rule.reference} |" in PAGE
        assert set(rule.thresholds) <= set(VALUES)


def test_each_threshold_with_its_default_and_meaning():
    source = inspect.getsource(ReadinessConfig)
    meant = dict(re.findall(r'    (\w+): \w+ = [^\n]+\n    """(.*?)"""', source, re.DOTALL))
    assert set(meant) == set(VALUES)
    for name, value in VALUES.items():
        assert f"| `{name}` | {value:g} | {meant[name]} |" in PAGE


def test_verdicts_and_stages():
    for verdict, meaning in VERDICTS.items():
        assert f"| {verdict} | {meaning} | {_CODES[verdict]} |" in PAGE
    assert re.findall(
        r"^\| (\S+) \| (?:no policy|the first|\d+ days in|mode)", PAGE, re.MULTILINE
    ) == list(STAGES)


def test_the_files_are_read(tmp_path):
    acknowledged, rules = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "x.toml"
    path.write_text(acknowledged)
    assert len(read_acknowledged(path)) == 1
    path.write_text(rules)
    assert read_rules(path) == AlertRules(refused_sessions=5)
    assert set(tomllib.loads(rules)) == {f.name for f in fields(AlertRules)}

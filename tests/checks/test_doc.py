"""docs/checks.md has every finding, with its severities; conftest.py holds each finding of each test to it."""

import ast
import re

from tests.checks.conftest import CODES
from tests.conftest import ROOT

PARTS = ("sts", "tlsrpt", "policy", "mx", "certificate", "tlsa", "dane", "starttls", "smtp", "tls", "null", "implicit", "domain", "provider", "validation", "id", "record", "withdrawn", "check")  # fmt: skip
# Outcomes of a session, and stems to which an ending is put.
NO_CODES = {"tls-failed"}
STEMS = {"sts-record", "tlsrpt-record", "policy-host"}


def literals():
    """Every string in the checks' code that looks like a code, and every ending of one."""
    words, endings = set(), set()
    for path in [*(ROOT / "mtasts_analysis" / "checks").glob("*.py"), ROOT / "mtasts_analysis" / "live.py"]:  # fmt: skip
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if re.fullmatch(rf"({'|'.join(PARTS)})(-[a-z0-9.]+)+", node.value):
                    words.add(node.value)
                if re.fullmatch(r"(-[a-z]+)+", node.value):
                    endings.add(node.value)
    return words - NO_CODES - STEMS, endings


def test_every_code_is_documented():
    words, _ = literals()
    assert len(words) > 60
    assert words <= set(CODES), sorted(words - set(CODES))


def test_every_documented_code_is_in_the_code():
    words, endings = literals()
    made = words | {stem + ending for stem in STEMS for ending in endings}
    made |= {f"policy-host-{word}" for word in words if word.startswith("certificate-")}
    assert set(CODES) <= made, sorted(set(CODES) - made)

"""`assess --check` and `alert --check` on the command line, with the lab as their Internet."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from mtasts_analysis import cli


@pytest.fixture
def reports(tmp_path):
    """Four weeks of reports up to yesterday, about a domain in testing."""
    today = datetime.now(UTC).date()
    text = ["version: STSv1", "mode: testing", "mx: mx.ready.example", "max_age: 86400"]
    made = [
        {
            "organization-name": sender,
            "date-range": {
                "start-datetime": f"{day}T00:00:00Z",
                "end-datetime": f"{day}T23:59:59Z",
            },
            "contact-info": "x@a.example",
            "report-id": f"{sender}-{day}",
            "policies": [
                {
                    "policy": {
                        "policy-type": "sts",
                        "policy-domain": "ready.example",
                        "policy-string": text,
                    },
                    "summary": {
                        "total-successful-session-count": 100,
                        "total-failure-session-count": 0,
                    },
                }
            ],
        }
        for day in (today - timedelta(days=n) for n in range(1, 40))
        for sender in ("A", "B", "C")
    ]
    path = tmp_path / "reports.json"
    path.write_text(json.dumps(made))
    return path


@pytest.fixture
def ask(lab, monkeypatch):
    monkeypatch.setattr(
        "mtasts_analysis.checks.config.CheckConfig",
        lambda **given: lab.config(**{k: v for k, v in given.items() if v not in (None, ())}),
    )
    lab.mx("mx.ready.example")
    policy = "version: STSv1\nmode: testing\nmx: mx.ready.example\nmax_age: 86400\n"
    lab.domain("ready.example", mx="mx.ready.example", policy=policy)
    return lab


def test_ready_with_both_halves(ask, reports, tmp_path, capsys):
    ask.records("_smtp._tls.ready.example", "TXT", '"v=TLSRPTv1; rua=mailto:a@r.example"')
    out = tmp_path / "r.html"
    code = cli.main(
        ["assess", str(reports), "--domain", "ready.example", "--check", "-o", str(out)]
    )
    said = capsys.readouterr().out
    assert said.startswith("ready.example may go to enforce.")
    assert code == 0
    assert "The one MX host presents a valid certificate" in said
    assert out.exists()


def test_a_live_check_alone_is_not_enough(ask, capsys):
    assert cli.main(["assess", "--domain", "ready.example", "--check"]) == 5
    assert "no reports were loaded" in capsys.readouterr().out


def test_the_check_finds_what_reports_cannot(ask, reports, capsys):
    ask.mx("backup.ready.example", certificate=ask.leaf("backup.ready.example", days=-2))
    ask.records("ready.example", "MX", "10 mx.ready.example.", "20 backup.ready.example.")
    assert cli.main(["assess", str(reports), "--domain", "ready.example", "--check"]) == 4
    said = capsys.readouterr().out
    assert "backup.ready.example" in said.splitlines()[0]
    code = cli.main(["alert", str(reports), "--since", "yesterday", "--check", "--json"])
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 4
    assert any("backup.ready.example expired on" in alert["text"] for alert in told)

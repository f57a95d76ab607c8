"""Alerts: what is new is told, once; a crash loses none."""

import json
import subprocess
import sys
from datetime import date, timedelta

import pytest

import mtasts_analysis as ma
from mtasts_analysis import cli
from mtasts_analysis.commands import since_when
from mtasts_analysis.readiness.alerts import MOST, Alert, AlertRules, alerts, read_rules
from mtasts_analysis.readiness.told import Told
from tests.analysis.world import FIRST, load, policy, report
from tests.readiness.worlds import AS_OF, DAYS, MX1, MX2, SENDERS, live, world

SINCE = AS_OF - timedelta(days=2)


def found(data, since=SINCE, **named):
    return alerts(data, since, **{"today": AS_OF} | named)


def codes(data, since=SINCE, **named):
    return sorted(a.code for a in found(data, since, **named))


def test_nothing_new_is_nothing():
    assert codes(world()) == []
    assert codes(world(lambda day, s: [("certificate-expired", MX2, 9)] if day < 20 else [])) == []


def test_new_refused_failures():
    data = world(
        lambda day, s: [("certificate-expired", MX2, 9)] if (day, s) == (41, "Big") else []
    )
    (refused, mx, sender) = found(data)
    assert (refused.code, refused.domain, refused.day) == (
        "refused",
        "d.example",
        AS_OF - timedelta(days=1),
    )
    assert refused.text == (
        "9 sessions that enforce refuses: certificate-expired at 1 MX host, met by 1 sender, last on 2026-04-11"
    )
    assert refused.action.startswith("renew the certificate")
    assert (mx.code, mx.subject) == ("new-mx", MX2)
    assert (sender.code, sender.subject) == ("new-sender", "Big")
    assert codes(data, rules=AlertRules(refused_sessions=10)) == ["new-mx", "new-sender"]


def test_failures_that_name_no_mx():
    data = world(lambda day, s: [("certificate-expired", None, 30)] if day >= 35 else [])
    refused, *_, rise = found(data, AS_OF - timedelta(days=8))
    # 4 senders on each of the last seven days.
    assert refused.text == (
        "840 sessions that enforce refuses: certificate-expired, met by 4 senders, last on 2026-04-11"
    )
    assert rise.subject == "certificate-expired (no MX named) 2026-04-05"


def test_only_what_is_new_of_mx_and_senders():
    """An old host and an old sender are no news; refused sessions are, each time since the day."""
    data = world(
        lambda day, s: [("certificate-expired", MX2, 1)] if s == "Big" and day in (3, 41) else []
    )
    assert codes(data) == ["refused"]


def test_what_enforce_does_not_refuse_is_no_alert():
    data = world(lambda day, s: [("sts-policy-fetch-error", None, 1)] if day == 41 else [])
    assert codes(data) == []


def test_a_rise_with_its_interval():
    data = world(lambda day, s: [("certificate-expired", MX2, 30)] if day >= 35 else [])
    (rise,) = [a for a in found(data, AS_OF - timedelta(days=8)) if a.code == "rise"]
    # 4 x 30 of 860 sessions on each of the last seven days.
    assert (
        "rose on 2026-04-05 from 0% to 14% of the sessions of d.example under MTA-STS (95% interval: "
        in rise.text
    )
    low, high = (
        float(x.rstrip("%)")) for x in rise.text.rpartition("95% interval: ")[2].split(" to ")
    )
    assert low <= 100 * 120 / 860 <= high
    assert "rise" not in codes(data), "it was no news two days before"


def test_a_rise_after_days_without_reports():
    """20 good days, 20 without any report, three on which 4 x 30 of 860 sessions fail."""
    data = world(
        lambda day, s: [("certificate-expired", MX2, 30)] if day >= 40 else [],
        days=43,
        reports=lambda day, s: not 20 <= day < 40,
    )
    (rise,) = [a for a in found(data, today=AS_OF + timedelta(days=1)) if a.code == "rise"]
    assert rise.day == FIRST + timedelta(days=40)
    low, high = (
        float(x.rstrip("%)")) for x in rise.text.rpartition("95% interval: ")[2].split(" to ")
    )
    assert low <= 100 * 120 / 860 <= high


def test_the_interval_of_a_rise_is_of_its_own_days():
    """It rose on day 30 and fell on day 35: the good days after that are no part of it."""
    data = world(lambda day, s: [("certificate-expired", MX2, 30)] if 30 <= day < 35 else [])
    (rise,) = [a for a in found(data, FIRST) if a.code == "rise"]
    five = ma.compare(data, FIRST + timedelta(days=30), days=5).iloc[0]
    assert (five["failed_after"], five["sessions_after"]) == (5 * 120, 5 * 860)
    assert f"interval: {five['after_low']:.1%} to {five['after_high']:.1%})" in rise.text


def test_a_day_that_is_none():
    with pytest.raises(ma.InputError, match="since: expected a day such as 2026-05-14; got 'soon'"):
        found(world(days=1), "soon")


def test_a_sender_that_fell_silent():
    data = world(reports=lambda day, s: s != "Small" or day <= 36)
    (silent,) = found(data)
    assert (silent.code, silent.subject) == ("silent-sender", "Small 2026-04-06")
    assert "used to report every day, and has not since 2026-04-06" in silent.text
    assert codes(world(reports=lambda day, s: s != "Small" or day <= 20)) == [], "told long ago"


def test_no_reports_at_all():
    data = world()
    assert codes(data, today=AS_OF + timedelta(days=3)) == []
    (quiet,) = found(data, today=AS_OF + timedelta(days=4))
    assert (quiet.code, quiet.text) == (
        "no-reports",
        "no report at all covers the 4 days since 2026-04-11",
    )


def test_interception():
    data = world(
        lambda day, s: [("starttls-not-supported", MX1, 1, "203.0.113.9")] if s == "V" else [],
        senders={**SENDERS, "V": 30},
    )
    (lead,) = [a for a in found(data) if a.code == "interception"]
    assert lead.subject == f"starttls-for-few at {MX1}"


@pytest.mark.parametrize(
    ("left", "days", "told"), [(20, 30, 3), (31, 30, 0), (20, 10, 0), (-3, 30, 3), (20, 0, 0)]
)
def test_certificates(left, days, told):
    made = found(world(), checks=[live(days_left=left)], rules=AlertRules(certificate_days=days))
    assert [a.code for a in made] == ["certificate"] * told
    assert not told or ("expired on" if left < 0 else f"{left} days left") in made[0].text


def test_each_rule_can_be_switched_off():
    data = world(
        lambda day, s: (
            [("starttls-not-supported", MX1, 3, "203.0.113.9")] if s == "V" and day >= 38 else []
        ),
        senders={**SENDERS, "V": 30},
        reports=lambda day, s: s != "Small" or day <= 36,
    )
    named = {"today": AS_OF + timedelta(days=9), "checks": [live(days_left=5)]}
    since = AS_OF - timedelta(days=4)
    rules = {
        "refused": {"refused_sessions": 0}, "new-mx": {"new_mx": False}, "new-sender": {"new_senders": False},
        "rise": {"rises": False}, "silent-sender": {"silent_senders": False}, "no-reports": {"silent_days": 0},
        "interception": {"interception": False}, "certificate": {"certificate_days": 0},
    }  # fmt: skip
    every = set(codes(data, since, **named))
    assert every == set(rules)
    for code, off in rules.items():
        assert set(codes(data, since, rules=AlertRules(**off), **named)) == every - {code}


def test_a_stranger_cannot_flood():
    bad = [("validation-failure", f"mx{n}.evil.example", 1) for n in range(300)]
    made = found(world(lambda day, s: bad if (day, s) == (41, "Big") else []))
    mx = [a for a in made if a.code == "new-mx"]
    assert len(mx) == MOST + 1
    assert mx[-1].text == "and 280 more of this kind"


def test_absent_names_are_no_nan():
    data = load(
        [report(d, [policy(90, [("validation-failure", None, 9)] if d > 35 else [])], sender=s)
         for d in range(DAYS) for s in "ABC"]
    )  # fmt: skip
    assert not [
        a for a in found(data, AS_OF - timedelta(days=9)) if "nan" in f"{a.text}{a.subject}".lower()
    ]


# --- Once -------------------------------------------------------------------------------------------


def one(day, subject="x"):
    return Alert("refused", "d.example", subject, "text", "action", day)


def test_each_alert_once_and_again_after_a_quiet_week(tmp_path):
    path = tmp_path / "deep" / "state.json"
    day = date(2026, 4, 1)
    told = Told(path)
    assert told.new([one(day)]) == [one(day)]
    told.keep([one(day)])
    assert Told(path).new([one(day), one(day + timedelta(days=7))]) == []
    assert Told(path).new([one(day + timedelta(days=8))]) != []
    assert Told(path).new([one(day, "y")]) == [one(day, "y")]
    later = Told(path)
    later.keep([one(day + timedelta(days=7))])  # seen again, told no more: the week begins anew
    assert Told(path).new([one(day + timedelta(days=14))]) == []
    assert {p.name for p in path.parent.iterdir()} == {"state.json"}


def test_what_is_long_past_is_forgotten(tmp_path):
    told = Told(tmp_path / "s")
    told.keep([one(date(2020, 1, 1), f"{n}") for n in range(50)] + [one(date(2026, 1, 1))])
    assert len(json.loads((tmp_path / "s").read_text())["told"]) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b'{"version": 1}',
        b'{"version": 2, "told": {}}',
        b'{"version": 1, "told": {"a": "x"}}',
    ],
)
def test_another_file_is_no_state(tmp_path, content):
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with pytest.raises(ma.InputError, match=r"state\.json: expected a state file"):
        Told(path)
    assert path.read_bytes() == content


def test_a_crash_leaves_the_state_whole(tmp_path):
    """Killed in the midst of writing, five times: the file is one of those that were kept."""
    path = tmp_path / "state.json"
    code = f"""
import os, threading, time
from datetime import date
from pathlib import Path
from mtasts_analysis.readiness.alerts import Alert
from mtasts_analysis.readiness.told import Told
threading.Thread(target=lambda: (time.sleep({{delay}}), os.kill(os.getpid(), 9))).start()
told = Told(Path({str(path)!r}))
for n in range(10**6):
    told.keep([Alert("refused", "d", f"{{n % 997}}", "", "", date(2026, 4, 1))])
"""
    Told(path).keep([one(date(2026, 4, 1))])
    for delay in (0.01, 0.03, 0.06, 0.1, 0.2):
        subprocess.run(
            [
                sys.executable,
                "-c",
                code.replace("{delay}", str(delay)),
            ],
            check=False,
        )
        assert Told(path).new([one(date(2026, 4, 1))]) == []


# --- The command line -------------------------------------------------------------------------------


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "reports.json"
    today = date(2026, 4, 12)
    made = [
        report((today - FIRST).days - back, [policy(90, [("certificate-expired", MX2, 9)] if back == 2 else [])], sender=s)
        for back in range(1, 40) for s in "ABC"
    ]  # fmt: skip
    path.write_text(json.dumps(made))
    return path


def test_alert_command(archive, tmp_path, capsys):
    state = tmp_path / "state.json"
    arguments = ["alert", str(archive), "--since", "2026-04-01", "--state", str(state), "--json"]
    assert cli.main(arguments) == 4
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["code"] for line in lines} >= {"refused", "new-mx", "new-sender"}
    assert all(line["domain"] == "d.example" and line["key"] and line["action"] for line in lines)
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out == ""


def test_alert_from_tables_and_rules(archive, tmp_path, capsys):
    ma.load(archive, progress=False).to_parquet(tmp_path / "tables")
    rules = tmp_path / "rules.toml"
    rules.write_text(
        "new_mx = false\nnew_senders = false\nsilent_days = 0\nrefused_sessions = 28\n"
    )
    arguments = ["alert", str(tmp_path / "tables"), "--since", "2026-04-01", "--rules", str(rules)]
    assert cli.main(arguments) == 0
    rules.write_text(rules.read_text().replace("28", "27"))
    assert cli.main(arguments) == 4
    assert "27 sessions that enforce refuses" in capsys.readouterr().out


def test_alert_from_a_store_keeps_its_state_there(archive, tmp_path, capsys):
    store = tmp_path / "store"
    ma.Store(store).ingest(archive)
    arguments = ["alert", str(store), "--since", "2026-04-01"]
    assert cli.main(arguments) == 4
    assert "certificate-expired" in capsys.readouterr().out
    assert cli.main(arguments) == 0
    again = tmp_path / "again.json"
    made = json.loads(archive.read_text())
    again.write_text(
        json.dumps([*made, report(41, [policy(3, [("validation-failure", MX1, 2)])], sender="New")])
    )
    ma.Store(store).ingest(again)
    ma.Store(store).compact()
    assert cli.main(arguments) == 4
    said = capsys.readouterr().out
    assert "validation-failure" in said
    assert "certificate-expired" not in said, "told before, and a commit takes nothing away"
    assert cli.main(["assess", str(store), "--domain", "d.example"]) == 4
    assert cli.main(["assess", str(store), "--domain", "d.example", "--dkim"]) == 1


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("refused = 1", "expected keys of"),
        ("rises = 1", "true or false"),
        ("silent_days = true", "0 or more"),
        ("silent_days = -1", "0 or more"),
        ("silent_days =", "expected a TOML file"),
    ],
)
def test_wrong_rules(rules, said, tmp_path):
    path = tmp_path / "rules.toml"
    path.write_text(rules)
    with pytest.raises(ma.InputError, match=said):
        read_rules(path)
    with pytest.raises(ma.InputError, match="expected a TOML file"):
        read_rules(tmp_path / "none.toml")


def test_mistakes(archive, tmp_path, capsys):
    empty = tmp_path / "a.txt"
    empty.write_text("nothing")
    for arguments, code, said in (
        (["alert", str(archive), "--since", "soon"], 1, "--since: expected"),
        (["alert", str(empty)], 3, "no TLS report"),
        (["alert", "nowhere"], 1, "nothing is there"),
        (["assess", str(archive)], 4, ""),
        (["assess", str(archive), "-o", "x.html"], 1, "expected --domain"),
        (["assess", str(archive), "--as-of", "soon"], 1, "--as-of: expected a day"),
        (["assess", "--domain", "d.example"], 1, "expected an archive, --check, or both"),
        (["assess", str(empty), "--domain", "d.example"], 3, "no TLS report"),
        (["assess", str(archive), "--domain", "d.example", "--policy", "none.txt"], 1, "--policy"),
        (["assess", str(archive), "--domain", "d..example"], 1, "domain"),
    ):
        assert cli.main(arguments) == code, arguments
        assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "day"),
    [("today", "2026-05-14"), ("yesterday", "2026-05-13"), ("3 days", "2026-05-11"), ("7d", "2026-05-07"),
     ("2026-01-02", "2026-01-02")],
)  # fmt: skip
def test_since_when(text, day):
    assert str(since_when(text, date(2026, 5, 14))) == day


def test_assess_command(archive, tmp_path, capsys):
    files = [tmp_path / f"r.{ending}" for ending in ("html", "md")]
    arguments = ["assess", str(archive), "--domain", "d.example", "--author", "A. Analyst"]
    for file in files:
        arguments += ["-o", str(file)]
    assert cli.main(arguments) == 4
    said = capsys.readouterr().out
    assert said.startswith("d.example may not go to enforce yet")
    assert all(str(file) in said and "A. Analyst" in file.read_text() for file in files)


def test_exit_codes_by_verdict(tmp_path, capsys):
    from mtasts_analysis.commands import _CODES
    from mtasts_analysis.readiness.judgement import VERDICTS

    assert set(_CODES) == set(VERDICTS)
    for name, data, code in (
        ("ready", world(), 5),
        ("young", world(days=5), 4),
        ("one", world(senders={"A": 100}), 5),
    ):
        data.to_parquet(tmp_path / name)
        assert cli.main(["assess", str(tmp_path / name), "--domain", "d.example"]) == code
    with pytest.raises(SystemExit):
        cli.main(["assess", "--help"])
    assert "5  not enough evidence" in capsys.readouterr().out


def test_a_new_domain_has_no_rhythm_yet():
    """Two days of reports are no custom that silence could break."""
    few = world(days=2)
    assert "no-reports" not in codes(few, FIRST, today=FIRST + timedelta(days=9))


def test_a_host_whose_certificate_was_not_seen_is_no_alert():
    """Port 25 is blocked here, or the policy host was down: that is the check's to tell, not an expiry."""
    unseen = live(days_left=3, reached=False)
    assert found(world(), checks=[unseen], rules=AlertRules(certificate_days=30)) == ()


def test_assess_of_all_domains_where_there_is_no_report(tmp_path, capsys):
    """An empty ranking would look like good news."""
    (tmp_path / "a.eml").write_bytes(b"From: a@a.example\nSubject: lunch\n\nnoon?\n")
    assert cli.main(["assess", str(tmp_path)]) == 3
    assert "no TLS report was found" in capsys.readouterr().err

"""A mistake in an argument is told by the argument's name; nothing of Python's own comes from deep inside.

Each row has what is wrong, and why somebody would give it.
"""

import functools
import math
import re
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

import mtasts_analysis as ma
from mtasts_analysis import arguments, cli
from mtasts_analysis.readiness.alerts import read_rules
from tests.archive.building import text

D = "clinic.example"
NAT, NAN = pd.NaT, float("nan")
FAR = "0001-01-01", "9999-12-31"
POLICY = "version: STSv1\nmode: enforce\nmx: mx1.d.example\nmax_age: 86400\n"


@functools.cache
def sample():
    return ma.load(ma.sample_archive(), progress=False)


@functools.cache
def assessed():
    return ma.assess(sample(), D, as_of="2026-03-17")


def live():
    return ma.live.recorded_check()


def refused(ask, name):
    """Tell whether it is refused by the argument's name, with what was expected and what came."""
    with pytest.raises(ma.InputError, match=rf"(?s)^{re.escape(name)}: expected .+; (got )?.+"):
        ask()


NO_DAY = (
    (5, "a number of days"), (True, "a flag that slipped"), (NAT, "a table's gap"),
    (np.datetime64("NaT"), "NumPy's gap"), (NAN, "an older table's gap"), (b"2026-03-01", "a day as bytes"),
    ("14 May", "as people write it"), ("٢٠٢٦-٠٣-٠١", "other digits"), (["2026-03-01"], "a list of one"),
    (datetime.min.replace(tzinfo=timezone(timedelta(hours=5))), "before the first day in UTC"),
)  # fmt: skip


@pytest.mark.parametrize(("day", "why"), NO_DAY)
def test_what_is_no_day(day, why):
    for name in ("start", "end"):
        refused(lambda name=name: ma.Filter(**{name: day}), name)
    refused(lambda: ma.assess(sample(), D, as_of=day), "as_of")
    refused(lambda: ma.assess_all(sample(), day), "as_of")
    refused(lambda: ma.alerts(sample(), day), "since")
    refused(lambda: ma.alerts(sample(), "2026-04-25", today=day), "today")
    refused(lambda: ma.compare(sample(), day), "day")
    refused(lambda: ma.publish.inventory(D, sample(), end=day), "end")


@pytest.mark.parametrize("day", FAR)
def test_a_day_that_no_judgement_can_be_of(day, tmp_path, capsys):
    """Weeks before or after it have no date. A filter of such days chooses nothing, or all."""
    refused(lambda: ma.assess(sample(), D, as_of=day), "as_of")
    refused(lambda: ma.assess(None, D, live(), as_of=date.fromisoformat(day)), "as_of")
    refused(lambda: ma.assess_all(sample(), day), "as_of")
    refused(lambda: ma.alerts(sample(), day), "since")
    refused(lambda: ma.alerts(sample(), "2026-04-25", today=day), "today")
    refused(lambda: ma.compare(sample(), day), "day")
    archive = tmp_path / "a.json"
    archive.write_bytes(text())
    for command, option in (
        (["assess", archive, "--as-of", day], "--as-of"),
        (["assess", archive, "--domain", "d.example", "--as-of", day], "--as-of"),
        (["alert", archive, "--since", day], "--since"),
    ):
        assert cli.main([*map(str, command)]) == 1
        assert f"{option}: expected a day from 1990 to 2200; got {day}" in capsys.readouterr().err
    reports = [len(sample().filter(start=s, end=e).reports) for s, e in ((day, None), (None, day))]
    assert sorted(reports) == [0, 1206]


def test_the_day_of_a_time_is_that_of_utc():
    """23:00 five hours behind is four in the morning of the next day; a time without a zone is taken as it is."""
    west = timezone(timedelta(hours=-5))
    for given, day in (
        (datetime(2026, 3, 1, 23, tzinfo=west), 2),
        (pd.Timestamp("2026-03-01T23:00-05:00"), 2),
        (datetime(2026, 3, 1, 23), 1),
        (np.datetime64("2026-03-01T23:00"), 1),
        (np.datetime64("2026-03-01", "ns"), 1),
        ("2026-03-01", 1),
    ):
        assert ma.Filter(start=given).start == date(2026, 3, day), given
        assert ma.assess(sample(), D, as_of=given).as_of == date(2026, 3, day)


@pytest.mark.parametrize("digits", ["٣ days", "３d"])
def test_other_digits_count_no_days(digits, capsys):
    assert cli.main(["alert", "nowhere", "--since", digits]) == 1
    assert "--since: expected a day such as 2026-05-14; got" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["monitor", D, "--days", digits[0]])


@pytest.mark.parametrize("value", ["\ud800", "a.example\udfff"])
def test_half_a_surrogate_pair_is_in_no_table(value, tmp_path):
    store = ma.Store(tmp_path / "store")
    for part in ("domains", "senders", "mx_hosts"):
        for data in (sample(), store):
            refused(lambda data=data, part=part: data.filter(**{part: [value]}), part)


NO_DOMAIN = (
    (None, "a variable that was not set"), (5, "an index"), (b"clinic.example", "read from a file as bytes"),
    ([D], "a list of one"), ("", "an empty line"), ("a..b", "a slip"), ("*.clinic.example", "a pattern"),
    ("127.0.0.1", "an address"), ("\ud800", "half of a surrogate pair"),
)  # fmt: skip


@pytest.mark.parametrize(("domain", "why"), NO_DOMAIN)
def test_what_is_no_domain(domain, why):
    refused(lambda: ma.assess(sample(), domain), "domain")
    refused(lambda: ma.assess_panel(sample(), domain), "domain")
    refused(lambda: ma.check_domain(domain), "domain")
    refused(lambda: ma.publish.publication(domain, "testing", ["mx1.d.example"]), "domain")
    refused(lambda: ma.publish.withdrawal(domain, 86400), "domain")
    refused(lambda: ma.publish.inventory(domain, sample()), "domain")
    with pytest.raises(KeyError):
        _ = ma.check_domains([])[domain]


MADE = ma.publish.publication("d.example", "enforce", ["mx1.d.example"])
WRONG = {
    # --- of another type: what is next to it in the documentation, a path, or a word
    "check": [
        *((lambda c=c: ma.assess(sample(), D, c)) for c in (5, "x", {}, ma.check_domains([]))),
        lambda: ma.publish.exact_hosts("x"),
        lambda: ma.publish.inventory(D, None, {}),
    ],
    "config": [
        *(
            lambda c=c, ask=ask: ask(config=c)
            for c in (5, {}, "x", None, ma.CheckConfig())
            for ask in (
                functools.partial(ma.assess, sample(), D),
                functools.partial(ma.assess_all, sample()),
                functools.partial(ma.replay, sample(), ma.Filter(domains=D)),
            )
        ),
        *(
            lambda c=c, ask=ask: ask(config=c)
            for c in (5, {}, "x", None, ma.ReadinessConfig())
            for ask in (
                functools.partial(ma.check_domain, "d.example"),
                functools.partial(ma.check_domains, []),
                functools.partial(ma.monitor, []),
                functools.partial(ma.check_certificate, b"", "d.example"),
                ma.live.online,
                ma.live.check_form,
            )
        ),
    ],
    "acknowledged": [
        lambda a=a: ma.assess(sample(), D, acknowledged=a)
        for a in ("acknowledged.toml", 5, ["x"], None)
    ],
    "policy": [
        *((lambda p=p: ma.assess(sample(), D, policy=p)) for p in (5, ["x"], "")),
        lambda: ma.assess_panel(sample(), D, policy=None),
        lambda: assessed().replay(5),
    ],
    "rules": [lambda r=r: ma.alerts(sample(), "2026-04-25", r) for r in (5, {}, "rules.toml")],
    "checks": [
        lambda c=c: ma.alerts(sample(), "2026-04-25", None, c) for c in (5, live(), ["x"], None)
    ],
    "data": [
        lambda: ma.alerts(5, "2026-04-25"),
        lambda: ma.replay("x", ma.Filter()),
        lambda: ma.publish.inventory(D, pd.DataFrame()),
        lambda: ma.senders(ma.check_domains([])),  # it has facts, of another kind
        lambda: ma.assess_panel(None, D, live()),
    ],
    "where": [
        lambda: ma.replay(sample(), D),
        lambda: ma.plots.sessions(ma.over_time(sample()), D),
    ],
    "addresses": [
        lambda a=a: ma.interception_leads(sample(), addresses=a)
        # By its letters, the last would have made each failure a lead.
        for a in ("x", 5, ["x"], {5: ["192.0.2.1"]}, {"mx1.clinic.example": "192.0.2.1"})
    ],
    "domains": [lambda d=d: ma.check_domains(d) for d in (None, 5, b"x")]
    + [lambda: ma.live.check_form(5)],
    "hosts": [lambda h=h: ma.check_certificate(b"", D, hosts=h) for h in ("x", 5, [5], ["a..b"])],
    "name": [lambda: ma.explore(sample(), name=["a"])],
    # --- publishing
    "provider": [lambda p=p: ma.publish.preset(p) for p in (None, 5, "Nobody")],
    "made": [lambda: ma.publish.hosting("d.example", "nginx")],
    "how": [lambda h=h: ma.publish.hosting(MADE, h) for h in (None, ["nginx"], "apache")],
    "after": [lambda: ma.publish.update(POLICY)],
    "before": [lambda b=b: ma.publish.update(MADE, b) for b in (5, "x", MADE)],
    "ttl": [
        *((lambda t=t: ma.publish.update(MADE, ttl=t)) for t in ("1h", -1, 1.5, True, math.inf, 10**20)),
        lambda: ma.publish.withdrawal("d.example", 86400, ttl=None),
    ],
    "mx_ttl": [lambda: ma.publish.update(MADE, mx_ttl=10**20)],
    "longest": [
        lambda n=n: ma.publish.withdrawal("d.example", n) for n in ("x", None, NAN, pd.NA, [1])
    ],
    "mx": [
        *(
            lambda m=m: ma.publish.publication("d.example", "testing", m)
            # By its letters, the first would have been a valid policy of two hosts.
            for m in ("mx", None, 5, [5], b"mx")
        ),
        lambda: ma.publish.policy_text("testing", "mx", 86400),
        lambda: ma.publish.diff(POLICY, POLICY, "mx1.d.example"),
    ],
    "rua": [lambda: published(rua="mailto:tls@example.com"), lambda: published(rua=[5])],
    "host": [lambda: published(host=5)],  # 0.0.0.5
    "live_id": [lambda: published(live_id=20260514000000)],
    "now": [lambda n=n: published(now=n) for n in (5, "2026-05-14", date(2026, 5, 14), NAT, datetime.max)],
    "draft": [lambda: ma.publish.diff(5, POLICY, [])],
    # --- loading
    "limits": [
        *((lambda v=v: ma.load(b"", limits=v)) for v in (5, {}, None)),
    ],
    "items": [lambda v=v: ma.Limits(items=v) for v in ("x", -1, None, True, 1.5, NAN, 2**63, 10**5000)],
    "workers": [lambda w=w: ma.load([], workers=w) for w in (True, 0, 2.5, "2")],
    "dkim": [lambda: ma.load(b"", dkim="no")],
    "progress": [
        lambda: ma.load(b"", progress="no"),
        lambda: ma.check_domains([], progress=5),
        lambda: ma.monitor([], progress=pd.NA),
    ],
    # --- showing
    "rows": [lambda r=r: ma.table(pd.DataFrame(), rows=r) for r in ("x", -1, None)],
    "columns": [
        lambda: ma.table(pd.DataFrame({"a": [1]}), [["a"]]),
    ],
    "by": [lambda b=b: ma.over_time(sample(), by=b) for b in ("year", None, ["day"])],
    "split": [
        lambda: ma.over_time(sample(), split=["sender"]),
        lambda: ma.failures_over_time(sample(), split=None),
    ],
    "days": [lambda d=d: ma.compare(sample(), "2026-03-14", days=d) for d in ("x", 10**9, 1.5, None)],
    "kind": [lambda: ma.plots.sessions(ma.over_time(sample())).image("gif")],
    "n": [lambda: ma.plots.top(ma.senders(sample()), "sender", n="x")],
    "of": [lambda: ma.plots.top(ma.senders(sample()), pd.NA)],
    "value": [lambda: ma.plots.top(ma.senders(sample()), "sender", value=["failed"])],
    "bound": [lambda: ma.plots.impact(assessed().impact.cells, bound="x")],
    "author": [lambda a=a: assessed().write_up("w.html", author=a) for a in (5, None)],
    "note": [lambda: assessed().write_up("w.html", note=5)],
    "redact": [
        lambda: assessed().write_up("w.html", redact="no"),
        lambda: sample().export("w", redact="no"),
        lambda: sample().to_parquet("w", redact="no"),
    ],
    "format": [lambda f=f: sample().export("w", f) for f in (None, ["csv"], "CSV")],
    # --- rules and thresholds
    "interception": [lambda v=v: ma.AlertRules(interception=v) for v in (1, "no", None)],
    "silent_days": [lambda v=v: ma.AlertRules(silent_days=v) for v in (True, "3", -1, NAN)],
}  # fmt: skip


def published(**more):
    return ma.publish.publication("d.example", "testing", ["mx1.d.example"], **more)


@pytest.mark.parametrize(
    ("name", "ask"),
    [(name, ask) for name, asked in WRONG.items() for ask in asked],
    ids=[f"{name}-{at}" for name, asked in WRONG.items() for at in range(len(asked))],
)
def test_what_cannot_serve(name, ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(ask, name)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_text_stands_in_the_tables_of_a_check():
    """A table holds no half of a surrogate pair."""
    for found in (ma.check_domains(["\ud800"]).findings, ma.monitor(["\ud800"])):
        assert found["domain"].tolist() == ["\ufffd"]


def test_a_word_in_place_of_a_file_is_told_how_it_is_read():
    with pytest.raises(ma.InputError, match=r'expected what read_acknowledged\("ack'):
        ma.assess(sample(), D, acknowledged="acknowledged.toml")


CHECKS = {
    "resolvers": [5, None, "9.9.9.9", (5,), ("x",), b"9.9.9.9"],
    "allow_networks": [5, "10.0.0.0/8", ("10.0.0.1/8",)],
    "canary": ["mx1.smtp.goog", (5,), None],
    "ca_file": [5, "", b"x", "a\0b", "https://example.com/ca.pem"],
    "ehlo_name": [pd.NA, 5, "", b"x", "a b", "a\r\nb"],
    "dnssec_probe": [None, 5, ""],
    # An endless wait for one answer is an endless run.
    "dns_timeout": [math.inf, NAN, "5", None, True, 0, -1, 10**6],
    "smtp_deadline": [math.inf, NAN, "5", None],
    "smtp_port": [0, 65_536, "25", None, True, 25.0],
    "sockets": [0, "x", None, True, 1.5, math.inf],
    "expiry_days": [-1, None, "x", True],
    "smtp": [1, 0, "no", None],
    "tls_versions": [1, None],
}


@pytest.mark.parametrize(
    ("name", "value"), [(n, v) for n, values in CHECKS.items() for v in values]
)
def test_how_a_check_cannot_be_made(name, value):
    refused(lambda: ma.CheckConfig(**{name: value}), name)


def test_numbers_of_numpy_are_numbers():
    """A table gives them, and a length of time takes none."""
    config = ma.ReadinessConfig(days_in_testing=np.int64(3), refused_most=np.float32(0.5))
    assert ma.assess(sample(), D, config=config).config.days_in_testing == 3
    assert ma.CheckConfig(resolvers=["9.9.9.9"], sockets=np.int32(5)).resolvers == ("9.9.9.9",)
    assert ma.publish.update(MADE, ttl=np.int64(60))[1].wait == timedelta(minutes=1)
    assert len(ma.compare(sample(), "2026-03-17", days=np.int64(14)))
    assert ma.Limits(items=np.int64(7)).items == 7


NO_PATH = (
    (None, "a variable that was not set"), (5, "a file's descriptor"), (b"x", "bytes"), ("a\0.html", "a NUL"),
    ("", "an empty variable: it would be the current folder"), ("\ud800.html", "no name of a file"),
    (["x.html"], "a list of one"),
)  # fmt: skip
URL = "s3://bucket/x.html"
FILES = {
    "folder": [
        lambda p: sample().export(p),
        lambda p: sample().to_parquet(p),
        ma.read_parquet,
        ma.read_csv,
        lambda p: ma.check_domains([]).to_parquet(p),
    ],
    "path": [
        lambda p: assessed().write_up(p),
        ma.read_acknowledged,
        read_rules,
        lambda p: ma.plots.sessions(ma.over_time(sample())).save(p),
    ],
    "history": [
        lambda p: ma.check_domains([], history=p),
        lambda p: ma.check_domain("d.example", history=p),
    ],
    "target": [ma.lay_out_notebooks],
}


@pytest.mark.parametrize("path", [URL, *(path for path, _ in NO_PATH)])
def test_what_is_no_path(path, tmp_path, monkeypatch):
    """Nothing is read from or written to the folder where one stands, nor to one by the name of a scheme."""
    sample().to_parquet(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    for name, uses in FILES.items():
        for use in uses:
            if not (path is None and name == "history"):  # which is: keep none
                refused(lambda use=use: use(path), name)
    if path != URL:  # a store may lie there, and load() says that
        refused(lambda: ma.Store(path), "url")
        refused(lambda: ma.load([path]), "paths")
        refused(lambda: ma.Store(tmp_path / "store").ingest([path]), "paths")
    if path not in (URL, b"x"):  # a PEM of one letter
        refused(lambda: ma.check_certificate(path, "d.example"), "pem")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (["load", "a.json", "-o", ""], "-o"),
        (["load", "", "-o", "out"], "paths"),
        (["summary", ""], "paths"),
        (["ingest", "", "a.json"], "url"),
        (["notebooks", ""], "DIR"),
        (["demo", "-o", ""], "-o"),
        (["check", "d.example", "-o", ""], "-o"),
        (["check", "d.example", "--history", ""], "history"),
        (["check", "d.example", "--ca-file", ""], "ca_file"),
        (["check", "--file", ""], "--file"),
        (["assess", "a.json", "--domain", "d.example", "-o", ""], "-o"),
        (["assess", "a.json", "--domain", "d.example", "-o", URL], "-o"),
        (["assess", "a.json", "--acknowledged", ""], "path"),
        (["assess", "a.json", "--domain", "d.example", "--policy", ""], "--policy"),
        (["alert", "a.json", "--rules", ""], "path"),
        (["alert", "a.json", "--state", ""], "--state"),
    ],
)
def test_an_empty_variable_of_a_shell_is_told(command, option, tmp_path, monkeypatch, capsys):
    """As `-o "$OUT"` gives it where OUT is not set. Even beside tables that `load` wrote."""
    sample().to_parquet(tmp_path)
    (tmp_path / "a.json").write_bytes(text())
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert cli.main(command) == 1
    assert capsys.readouterr().err.startswith(f"mtasts-analysis: {option}: expected ")
    assert sorted(tmp_path.iterdir()) == before


def test_columns_of_a_store_are_texts(tmp_path):
    store = ma.Store(tmp_path)
    for columns in (
        {"policies": [["domain"]]},
        {"policies": [5]},
        {"policies": None},
        ["policies"],
        5,
    ):
        refused(lambda columns=columns: store.read(columns=columns), "columns")


@pytest.mark.parametrize("bound", [0, 2**62])
def test_a_limit_at_its_end_is_kept(bound):
    """Nought leaves little, and no error; the largest is asked for with one byte more."""
    for name in ma.Limits.__slots__:
        found = ma.load(ma.sample_archive(), limits=ma.Limits(**{name: bound}), progress=False)
        assert found.accounting.items > 0


def test_a_table_of_nothing():
    assert str(ma.table(pd.DataFrame())) == "a table without columns"
    assert str(ma.table(pd.DataFrame({"a": []}))) == "a"
    assert "nothing for this filter" in ma.table(pd.DataFrame())._repr_html_()


def test_what_is_long_is_not_told_whole():
    assert len(str(arguments.wrong("x", "a day", "y" * 10_000))) < 200
    assert "got a number of more than 64 bits" in str(arguments.wrong("x", "a day", 10**5000))
    assert str(arguments.wrong("x", "a day", sample())) == "x: expected a day; got a Archive"


def test_a_domain_of_a_report_that_is_none_has_no_row():
    """A stranger may name a pattern or an address: `assess` refuses them, and the ranking leaves them out."""
    data = ma.load(text().replace(b"d.example", b"192.0.2.1"), progress=False)
    assert len(ma.assess_all(data).frame) == 0


def test_now_is_a_time():
    assert published(now=datetime(2026, 5, 14, tzinfo=UTC)).id == "20260514000000"

"""Speed never changes a result: with every short cut and without any, all that there is gives the same tables.

The short cuts are three: a plain mail in one match, a plain gzip in one step, and the strict reader of a
report. Without them everything goes the general, tolerant way.
"""

import gzip
import json
import random
from dataclasses import replace

import pytest
from msgspec import structs

import mtasts_analysis as ma
from benchmarks import corpus
from mtasts_analysis.archive import plain, reports
from mtasts_analysis.limits import DEFAULT
from tests.archive import building, test_containers, test_plain, test_reports, test_tolerances
from tests.conftest import ROOT, SHARED
from tests.fuzz.targets import SMALL
from tests.hostile import inputs
from tests.hostile.large import attacks
from tests.scale.mixed import lay_out, same

SAMPLES = SHARED / "samples"
LITTLE = replace(SMALL, json_values=DEFAULT.json_values)
"""What the tolerant reader alone keeps, because it alone needs it, is left as it is."""
SHORT_CUTS = ((plain, "begun"), (plain, "inflate"), (reports, "strict"))


class Both:
    """Loads a thing both ways, and counts what the short cuts took."""

    def __init__(self):
        self.taken = dict.fromkeys((name for _, name in SHORT_CUTS), 0)
        self.reports = 0

    def counted(self, name, work):
        def watched(*given):
            found = work(*given)
            self.taken[name] += found is not None
            return found

        return watched

    def __call__(self, what, limits=DEFAULT):
        with pytest.MonkeyPatch.context() as patch:
            for module, name in SHORT_CUTS:
                patch.setattr(module, name, self.counted(name, getattr(module, name)))
            fast = ma.load(what, workers=1, limits=limits, progress=False)
        with pytest.MonkeyPatch.context() as patch:
            for module, name in SHORT_CUTS:
                patch.setattr(module, name, lambda *_: None)
            same(fast, ma.load(what, workers=1, limits=limits, progress=False))
        self.reports += fast.accounting.reports

    def sure(self, least):
        """Hold that something was compared, on each of the ways."""
        assert all(taken >= least for taken in self.taken.values()), self.taken
        assert self.reports > self.taken["strict"], "nothing went the tolerant way"


def dumped(value):
    return json.dumps(value).encode()


def texts():
    """Every report that a test of the readers is about."""
    for _, path, value, *_ in test_reports.QUIRKS:
        yield dumped(test_reports.changed(path, value))
    for path, value, *_ in test_tolerances.VALUES:
        yield dumped(test_reports.changed(path, value))
    yield from test_reports.RAW.values()
    yield from (raw for raw, _ in test_reports.MALFORMED.values())
    yield from (raw for raw, _ in test_tolerances.DOCUMENTS)
    yield from (raw for raw, _ in test_tolerances.ENCODINGS)
    for alias, (way, key, _, value) in test_reports.ALIASES.items():
        made = at = building.report()
        for step in way:
            at = at[step]
        at.pop(key, None)
        at[alias] = value
        yield dumped(made)


def containers():
    """Every mail and container of the tests."""
    for table in (test_plain.PLAIN, test_containers.ONE, test_containers.MANY):
        yield from table.values()
    yield from (raw for name, raw in test_containers.KILLERS.items() if name != "bomb")


def test_every_fixture(tmp_path):
    both = Both()
    for raw in texts():
        both(raw)
        both(gzip.compress(raw, mtime=0))
        both(building.mail(gzip.compress(raw, mtime=0)))
    for raw in containers():
        both(raw)
    both(lay_out(tmp_path))
    both.sure(100)


def test_the_sample_archive():
    both = Both()
    both(ROOT / "data/sample")
    both.sure(500)


@pytest.mark.parametrize("limits", [DEFAULT, LITTLE], ids=["limits as they are", "small limits"])
def test_hostile_inputs(limits):
    both = Both()
    for one in inputs.named():
        if not one.slow:
            both(one.make(), limits)
    for attack in attacks():
        both(attack.make(20_000), limits)
    both.sure(50)


@pytest.mark.skipif(
    not SAMPLES.is_dir(),
    reason="the real samples are not part of the project: ../shared/samples is absent",
)
def test_every_sample():
    both = Both()
    for path in sorted(SAMPLES.rglob("*")):
        if path.is_file() and path.suffix != ".tsv":
            both(path)
    both(SAMPLES)
    assert both.reports >= 30
    assert both.taken["strict"] > 10


# -- a generated corpus -----------------------------------------------------------------------------


def odd(rng, made, *_):
    """Bend a report in one to three of the ways that FIELD.md tells of, each of which a quirk's test knows."""
    for _ in range(rng.randint(1, 3)):
        _, path, value, *_ = rng.choice(test_reports.QUIRKS)
        at = made
        try:
            for step in path[:-1]:
                at = at[step]
            if value is ...:
                at.pop(path[-1], None)
            else:
                at[path[-1]] = value
        except (KeyError, IndexError, TypeError, AttributeError):
            continue  # it was bent there before, or has no details
    return made


def rare(rng, made, s, d):
    """What is no deviation, and seldom seen: DANE, several policies, spans, offsets, letters, order of keys."""
    first = made["policies"][0]
    day = made["date-range"]["start-datetime"][:10]
    way = rng.randrange(8)
    if way == 0:
        lines = [f"3 1 1 {s:064x}", f"2 1 1 {d:064X}"]
        policy = {
            "policy-type": "tlsa",
            "policy-string": lines,
            "policy-domain": f"mx1.d{d}.example",
        }
        made["policies"] = [first, {"policy": policy, "summary": first["summary"]}]
    elif way == 1:
        first["policy"] = {"policy-type": "no-policy-found", "policy-domain": f"d{d}.example"}
    elif way == 2:
        made["date-range"] = {
            "start-datetime": f"{day}T01:00:00+01:00",
            "end-datetime": f"{day}T23:59:60Z",
        }
    elif way == 3:
        made["date-range"]["end-datetime"] = "2027-01-08T00:00:00.000Z"
    elif way == 4:
        made["organization-name"] = "Sénder \U0001f600 " + made["organization-name"]
    elif way == 5:
        made = dict(rng.sample(sorted(made.items()), len(made)))
    elif way == 6:
        first["summary"]["total-successful-session-count"] = 2**63 - 1
    else:
        first["policy"]["mx-host"] = f"*.d{d}.example"
    return made  # fmt: skip


REWRITTEN = (
    lambda raw: b"\xef\xbb\xbf" + raw,
    lambda raw: raw.decode("utf-8", "replace").encode("utf-16"),
    lambda raw: raw.replace(b'"report-id":', b'"report-id": "first", "report-id":'),
    lambda raw: raw.replace(b'"mx-host":', b'"mx-host-pattern":'),
    lambda raw: raw.replace(b'"', b'"\\u002d', 1).replace(b"d.example", b"d\\u002eexample"),
    lambda raw: raw + b"\r\n\0",
    lambda raw: raw.replace(b"-tls-", b"-\t-"),
    lambda raw: raw.replace(b"{", b"{ // whatever\n", 1),
    lambda raw: raw[:-1] + b",}",
    lambda raw: b'{"found": ' + raw + b"}",
    lambda raw: raw[: -len(raw) // 3],
    lambda raw: b"[" + raw + b", " + building.text(7) + b"]",
)
"""The same report as another text, or one that is cut, or stands beside another."""


def generated(count, seed):
    """Mails: a third as the benchmarks have them, a third rare, a third odd; as JSON and mail may differ, too."""
    rng = random.Random(seed)
    for raw in test_reports.RAW.values():
        yield building.mbox([building.mail(gzip.compress(raw, mtime=0))])
    for n, s, d, as_ever in corpus.reports(count, seed):
        kind = n % 3
        made = bend(rng, as_ever, s, d) if (bend := (None, odd, rare)[kind]) else as_ever
        if kind != 1 and rng.random() < 0.6:
            yield corpus.mail(n, s, d, made)
            continue
        raw = json.dumps(made, indent=rng.choice([None, 2]), ensure_ascii=rng.random() < 0.5)
        raw = raw.encode("utf-8", "surrogatepass")
        raw = rng.choice(REWRITTEN)(raw) if rng.random() < 0.3 else raw
        content = rng.choice([raw, gzip.compress(raw, mtime=0), building.zipped({"a.json": raw})])
        media = rng.choice(
            ["application/tlsrpt+gzip", "application/tlsrpt+json", "text/plain", "application/zip"]
        )
        newline = rng.choice(["\n", "\r\n"])
        yield building.mbox([building.mail(content, media=media, newline=newline)])
        if rng.random() < 0.2:  # a copy, or a conflict
            raw = raw.replace(b"smtp-tls", rng.choice([b"smtp-tls", b"mail"]))
            yield building.mbox([building.mail(gzip.compress(raw, mtime=0))])  # fmt: skip


@pytest.mark.parametrize("seed", [1, 8460])
def test_a_generated_corpus(seed, tmp_path):
    """Some thousand reports in one mbox: so caches, copies and conflicts are held to it, too."""
    path = tmp_path / "corpus.mbox"
    path.write_bytes(b"".join(generated(2_000, seed)))
    both = Both()
    both(path)
    both.sure(500)
    codes = set()
    for kept in ("drop", "keep"):  # the quirks of a copy go with it
        codes |= set(ma.load(path, workers=1, duplicates=kept).problems["code"])
    assert codes >= {*reports.TOLERANCES, "duplicate", "conflict", "json-malformed"} - {
        "more-notes"
    }


def test_the_sweep_fails_where_ways_differ(monkeypatch):
    """A short cut that reads one word otherwise is seen."""
    right = reports.strict

    def wrong(raw, limits):
        found = right(raw, limits)
        return found and structs.replace(found, contact_info="another")

    monkeypatch.setattr(reports, "strict", wrong)
    with pytest.raises(AssertionError, match="contact_info"):
        Both()(building.text())

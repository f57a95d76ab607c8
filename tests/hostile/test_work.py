"""What takes long to read ends in time, and costs nothing beside it: each bound is reached exactly where it says."""

import gzip
import json

import pytest

import mtasts_analysis as ma
from mtasts_analysis import Limits
from mtasts_analysis.archive import reports, tables
from mtasts_analysis.archive.mail import Facts
from tests.archive.building import report, tarred, text, zipped
from tests.archive.test_containers import add_up

UNKNOWN = "x-extension"


def lines(*made):
    return b"\n".join(json.dumps(one).encode() for one in made)


def good(data):
    return sorted(data.reports["report_id"])


def told(data):
    return data.problems["code"].value_counts().to_dict()


def odd(n, pad=""):
    """A report that is not as RFC 8460 asks, in one way."""
    return report(n) | {UNKNOWN: pad}


def test_an_odd_report_counts_as_five_rows_more():
    """Eight rows each: a report, a policy, a problem and five; and each takes the share of a row of its own."""
    made = [odd(n) for n in range(2_000)]
    for one in made:
        one["policies"] = [one["policies"][0] | {"failure-details": []}]
    raw = gzip.compress(lines(*made))
    assert len(raw) < 2_000 * 20, "each takes so little that it counts in full"
    data = ma.load(raw, limits=Limits(rows=75))
    add_up(data)
    # (8 n - 75 - 18) * 20 > n * share: from then on each is too much.
    assert data.accounting.reports == pytest.approx(93 * 20 / (160 - len(raw) / 2_000), abs=1)
    assert told(data)["limit-rows"] == 2_000 - data.accounting.reports
    assert ma.load(raw).accounting.reports == 2_000
    assert ma.load(lines(*made), limits=Limits(rows=60)).accounting.reports == 2_000, "plain text"


def test_the_rows_of_a_large_odd_report_count_twice():
    """Forty-two rows each: a report, forty policies and a problem; as many more, since they are more than five."""
    made = [odd(n) for n in range(2_000)]
    for one in made:
        one["policies"] = [one["policies"][0] | {"failure-details": []}] * 40
    raw = gzip.compress(lines(*made))
    data = ma.load(raw, limits=Limits(rows=10_000))
    add_up(data)
    # (84 n - 10,000) * 20 > n * share; it is no small report, which would have a quarter more.
    assert data.accounting.reports == pytest.approx(10_000 * 20 / (1_680 - len(raw) / 2_000), abs=1)
    assert ma.load(raw).accounting.reports == 2_000


@pytest.mark.parametrize(
    "pack",
    [bytes, gzip.compress],
    ids=["JSON Lines, of which 15 KB are 750 rows", "the same, packed"],
)
def test_small_reports_behind_too_many_rows_are_read(pack):
    """A report of five thousand empty policies fills the bound; ten good ones stand behind it, in the same gzip."""
    killer = b'{"report-id":"k","policies":[' + b"{}," * 5_000 + b"{}]}"
    many = b"\n".join([killer.replace(b'"k"', b'"k%d"' % n) for n in range(5)])
    raw = pack(many + b"\n" + b"\n".join(map(text, range(10))))
    data = ma.load(raw, limits=Limits(rows=5_000))
    add_up(data)
    assert [n for n in range(10) if json.loads(text(n))["report-id"] in good(data)] == list(
        range(10)
    )
    assert told(data)["limit-rows"] == 4


def test_what_expands_too_often_and_is_odd_ends():
    """A thousand blanks past twelve times its packed size: eleven of them reach ten thousand."""
    made = [odd(n, " " * 1_000) for n in range(300)]
    raw = gzip.compress(lines(*made))
    assert len(raw) < 300 * 40
    size = len(lines(made[0])) - 12 * len(raw) // 300
    data = ma.load(raw, limits=Limits(odd=10_000))
    add_up(data)
    assert abs(data.accounting.reports - (10_000 // size + 1)) <= 1
    assert told(data)["limit-odd"] == 300 - data.accounting.reports
    assert ma.load(raw).accounting.reports == 300
    assert ma.load(lines(*made), limits=Limits(odd=10_000)).accounting.reports == 300, "plain text"


def test_broken_json_counts_eight_times():
    """Each of some 1,500 bytes, of which a few were packed: one is below ten thousand, two are above."""
    made = b"\n".join(lines(odd(n, " " * 1_000))[:-1] + b"/* end */}" for n in range(300))
    raw = gzip.compress(made)
    data = ma.load(raw, limits=Limits(odd=10_000))
    add_up(data)
    assert data.accounting.reports == 1 + (8 * (len(made) - len(raw)) // 300 <= 10_000)
    assert ma.load(raw).accounting.reports == 300
    assert ma.load(made, limits=Limits(odd=10_000)).accounting.reports == 300, "plain text"


def test_reports_are_looked_for_in_so_many_things():
    """Each report lies in two objects, so that three are looked at: 33 of them are 99 of a hundred."""
    wrapped = json.dumps([{"a": {"b": report(n)}} for n in range(60)]).encode()
    data = ma.load(wrapped, limits=Limits(wrappings=100))
    add_up(data)
    assert data.accounting.reports == 33
    assert told(data)["limit-wrappings"] == 1
    assert ma.load(wrapped).accounting.reports == 60


def test_things_are_counted_over_a_whole_run():
    each = [json.dumps({"a": {"b": report(n)}}).encode() for n in range(60)]
    data = ma.load(b"\n".join(each), limits=Limits(wrappings=100))
    add_up(data)
    assert data.accounting.reports == 33
    assert told(data)["limit-wrappings"] == 60 - 33


@pytest.mark.parametrize("kind", ["{}", "0"])
def test_what_is_no_object_is_a_row_as_well(kind):
    """A hundred thousand details in a kilobyte are as many rows, whatever stands for them."""
    made = report(1)
    made["policies"][0]["failure-details"] = []
    one = json.dumps(made).replace("[]", f"[{','.join([kind] * 20_000)}]")
    raw = gzip.compress(
        b"\n".join([one.replace("example-1", f"example-{n}").encode() for n in range(5)])
    )
    data = ma.load(raw, limits=Limits(rows=1_000))
    add_up(data)
    assert (data.accounting.reports, told(data)["limit-rows"]) == (1, 4)


def test_reports_are_read_when_that_is_spent():
    """Only what wraps them is bounded: a report itself, odd or not, is looked for in nothing."""
    wrapped = json.dumps({"a": {"b": {"c": {"d": [{"e": 1}] * 20}}}}).encode()
    plain = [json.dumps(odd(n)).encode() for n in range(3)]
    listed = b"[" + b",".join([plain[0], wrapped, plain[1], wrapped, plain[2]]) + b"]"
    raw = json.dumps({"x": json.loads(wrapped), "y": report(9)}).encode() + b"\n"
    data = ma.load(raw + listed + b"\n" + json.dumps(odd(4)).encode(), limits=Limits(wrappings=5))
    add_up(data)
    assert data.accounting.reports == 4
    assert told(data)["limit-wrappings"] == 2, "the text that spent it, and one for the list"


@pytest.mark.parametrize(
    "pack",
    [lambda raw: raw, lambda raw: zipped({"a.gz": raw}), lambda raw: gzip.compress(tarred({"a": raw}))],
    ids=["alone", "in a zip", "in a tar.gz"],
)  # fmt: skip
def test_an_item_counts_once_however_deep_it_lies(pack):
    raw = pack(gzip.compress(b"\n".join(map(text, range(90)))))
    data = ma.load(raw, limits=Limits(packed_items=100))
    add_up(data)
    assert (data.accounting.reports, len(data.problems)) == (90, 0)


def test_letters_of_another_alphabet_cost_nothing():
    """Bytes that are not UTF-8 are one letter each: what they stand in is sound, and is read as quickly."""
    made = [json.dumps(odd(n) | {"organization-name": "M\u00fcller"}, ensure_ascii=False) for n in range(300)]  # fmt: skip
    raw = gzip.compress("\n".join(made).encode("latin-1"))
    data = ma.load(raw, limits=Limits(odd=300_000))
    add_up(data)
    assert data.accounting.reports == 300
    assert told(data)["not-utf-8"] == 300


def test_words_are_joined_in_one_piece():
    """Joined again, as many pieces of one dictionary each would be gone through anew: 18 s for a million words."""
    parts = []
    for n in range(3):
        builder = tables.Builder()
        ((_, parsed),) = reports.read(text(n))
        builder.report("x", parsed, Facts())
        parts.append(builder.take())
    whole = tables.concat(parts)
    assert {whole[name][column].num_chunks for name, column in WORDS} == {1}
    assert whole["policies"].num_rows == 3


WORDS = (
    ("reports", "organization_name"),
    ("policies", "policy_type"),
    ("failures", "result_type"),
)

"""DANE's hosts and the domains they serve: what the columns say, as it is told row by row."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from mtasts_analysis.archive import tables

NAMES = st.sampled_from(
    ["a.example", "b.example", "mx1.a.example", "mx2.a.example", "mx.b.example"]
)
RESULTS = st.tuples(
    st.none() | NAMES,
    st.sampled_from(["sts", "tlsa", "tlsa", "no-policy-found", None]),
    st.none() | st.lists(st.sampled_from(["mx1.a.example", "mx.b.example", "*.a.example"]), max_size=2),
    st.lists(st.none() | st.sampled_from(["MX1.a.example", "mx2.a.example", "mx.b.example", "x"]), max_size=2),
)  # fmt: skip


def laid_out(rows):
    """The two tables, in chunks as units give them."""
    policies = [dict.fromkeys(tables.SCHEMAS["policies"].names) for _ in rows]
    failures = []
    for number, (made, (domain, kind, patterns, hosts)) in enumerate(
        zip(policies, rows, strict=True)
    ):
        made |= {"policy_key": f"k{number}", "domain": domain, "policy_type": kind, "mx_patterns": patterns}  # fmt: skip
        failures += [
            dict.fromkeys(tables.SCHEMAS["failures"].names)
            | {"policy_key": f"k{number}", "receiving_mx_hostname": host}
            for host in hosts
        ]
    return {
        name: pa.concat_tables(
            pa.Table.from_pylist(part, tables.SCHEMAS[name])
            for part in (found[: len(found) // 2], found[len(found) // 2 :])
        ).unify_dictionaries()
        for name, found in (("policies", policies), ("failures", failures))
    }


def row_by_row(rows):
    """The same rule in plain words: an exact host of one domain's policy, or of its failures, and no other's."""
    dane = {domain for domain, kind, *_ in rows if kind == "tlsa" and domain}
    others = [row for row in rows if not (row[1] == "tlsa" and row[0])]
    known = {row[0] for row in others}
    found = {}
    for host in dane - known:
        served = {
            domain
            for domain, _, patterns, hosts in others
            if domain and (host in (patterns or ()) or host in [h.lower() for h in hosts if h])
        }
        if len(served) == 1 and host not in served:
            (found[host],) = served
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(RESULTS, max_size=10))
def test_recipients(rows):
    made = laid_out(rows)
    mapping = tables.recipients(made)
    assert mapping == row_by_row(rows)
    mapped = tables.with_recipients(made)["policies"]["domain"].to_pylist()
    assert mapped == [
        mapping.get(domain, domain) if kind == "tlsa" else domain for domain, kind, *_ in rows
    ]

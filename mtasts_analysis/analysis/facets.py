"""Which values a filter may choose, each with its count under the rest of the filter."""

import numpy as np
import numpy.typing as npt

from mtasts_analysis.analysis.facts import (
    Column,
    Data,
    Facts,
    Mask,
    facts_of,
    number,
    one_of,
    totals,
)
from mtasts_analysis.analysis.filters import Filter

Facets = dict[str, list[tuple[str | None, int]]]


def facets(data: Data, where: Filter) -> Facets:
    """Give the values of each part of a filter with their counts under the other parts, the most first.

    Parameters
    ----------
    data
        A loaded archive.
    where
        The filter.

    Returns
    -------
    dict
        Name of the filter's part → (value, count): policy results, or failure details for result types,
        MX hosts and effects. Values that nothing has under the filter are left out.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> facets(data, ma.Filter(domains="bakery.example"))["modes"]
    [('testing', 251), ('enforce', 173), (None, 4)]
    """
    facts = facts_of(data)
    return _of_results(facts, where) | _of_failures(facts, where)


def _of_results(facts: Facts, where: Filter) -> Facets:
    """Count policy results in groups: whatever the filter, its parts choose among few of them."""
    kinds = facts.kinds
    rows: npt.NDArray[np.intp] | slice = slice(None)
    if where.start or where.end:
        rows = np.flatnonzero(facts.policies_where(Filter(start=where.start, end=where.end)))
    counts = number(kinds.place[rows], facts.results, rows, kinds.size)
    columns = dict(
        zip(
            ("domains", "senders", "policy_types", "modes"),
            (facts.domain, facts.sender, facts.policy_type, facts.mode),
            strict=True,
        )
    )
    chosen: dict[str, Mask] = {
        name: one_of(column, codes, getattr(where, name))
        for (name, column), codes in zip(columns.items(), kinds.codes, strict=True)
    }
    found: Facets = {}
    for (name, column), codes in zip(columns.items(), kinds.codes, strict=True):
        others = np.ones(kinds.size, dtype=bool)
        for other, mask in chosen.items():
            if other != name:
                others &= mask
        sums = totals(codes[others] + 1, counts[others], len(column.words) + 1)
        found[name] = _most_first(column, sums)
    return found


def _of_failures(facts: Facts, where: Filter) -> Facets:
    policies = facts.policies_where(where)
    found: Facets = {}
    columns = {"result_types": facts.result_type, "mx_hosts": facts.mx, "effects": facts.effect}
    for name, column in columns.items():
        rows = np.flatnonzero(facts.failures_where(where.but(**{name: ()}), policies))
        codes = column.codes[rows] + 1
        found[name] = _most_first(column, number(codes, facts.details, rows, len(column.words) + 1))
    return found


def _most_first(column: Column, counts: npt.NDArray[np.int64]) -> list[tuple[str | None, int]]:
    order = np.argsort(-counts, kind="stable")
    return [(column.word(at - 1), int(counts[at])) for at in order.tolist() if counts[at]]

"""Which policy each sender saw, day by day."""

import numpy as np
import pandas as pd

from mtasts_analysis.analysis.facts import NONE, Data, counts, dates, grouped, totals
from mtasts_analysis.analysis.filters import EVERYTHING, Filter


def policy_history(data: Data, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Answer: which policy did each sender see, from when to when, and is one still on an old one?

    A sender caches a policy for its max_age (RFC 8461 §3.3), and some for longer.

    Parameters
    ----------
    data
        A loaded archive.
    where
        What to look at; only results under `sts` with a policy in them count.

    Returns
    -------
    pandas.DataFrame
        A row for each unbroken run of days on which a sender reported one policy of a domain: `domain`,
        `sender`, `policy` (P1, P2 ... in the order in which a domain's policies were first seen),
        `mode`, `max_age` (seconds), `mx_patterns` (joined by commas), `first_day`, `last_day` (UTC),
        `results`, `sessions`, `stale` (the run goes on although others saw a newer policy more than
        the old one's max_age before its last day).

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> found = ma.policy_history(data, ma.Filter(domains="bakery.example"))
    >>> found.loc[found["stale"], ["policy", "mode"]].drop_duplicates().values.tolist()
    [['P1', 'testing']]
    """
    facts = data.facts
    mask = facts.policies_where(where) & facts.dated & (facts.policy.codes != NONE)
    mask &= facts.policy_type.codes == facts.policy_type.code("sts")
    rows = np.flatnonzero(mask)
    first = int(facts.day[rows].min(initial=0))
    # A row for each policy that a sender saw of a domain on a day: far fewer than results.
    daily = grouped(
        (facts.domain.codes[rows], len(facts.domain.words)),
        (facts.policy_sender[rows], len(facts.sender.words)),
        (facts.day[rows] - first, int(facts.day[rows].max(initial=first)) - first + 1),
        (facts.policy.codes[rows], len(facts.policy.words)),
    )
    example = np.zeros(daily.size, dtype=np.int64)
    example[daily.place[::-1]] = rows[::-1]
    frame = pd.DataFrame(
        {
            "domain": daily.codes[0],
            "sender": daily.codes[1],
            "day": daily.codes[2] + first,
            "content": daily.codes[3],
            "row": example,
            "results": np.bincount(daily.place, minlength=daily.size),
            "sessions": totals(
                daily.place, facts.failed[rows] + facts.successful[rows], daily.size
            ),
        }
    )
    group = ["domain", "sender"]
    begins = (frame[[*group, "content"]] != frame[[*group, "content"]].shift()).any(axis=1)
    frame["run"] = begins.cumsum() - 1
    # The order in which a domain's policies were first seen, and when a newer one first was.
    seen = frame.groupby(["domain", "content"], as_index=False).agg(day=("day", "min"))
    seen = seen.sort_values(["domain", "day", "content"], kind="stable", ignore_index=True)
    seen["number"] = seen.groupby("domain").cumcount() + 1
    seen["next"] = seen.groupby("domain")["day"].shift(-1)
    runs = frame.groupby("run", as_index=False).agg(
        domain=("domain", "first"),
        sender=("sender", "first"),
        content=("content", "first"),
        first=("day", "min"),
        last=("day", "max"),
        row=("row", "first"),
    )
    runs = runs.merge(seen[["domain", "content", "number", "next"]], on=["domain", "content"])
    runs = runs.sort_values("run", ignore_index=True)
    own = data.policies.iloc[runs["row"].to_numpy()]
    age_days = own["max_age"].fillna(0).to_numpy(dtype=np.float64) / 86_400
    result = pd.DataFrame(
        {
            "domain": facts.domain.names(runs["domain"]),
            "sender": facts.sender.names(runs["sender"]),
            "policy": "P" + runs["number"].astype("str"),
            "mode": own["mode"].astype("str").reset_index(drop=True),
            "max_age": own["max_age"].reset_index(drop=True),
            "mx_patterns": pd.Series(
                [
                    ", ".join(map(str, patterns)) if isinstance(patterns, list) else None
                    for patterns in own["mx_patterns"].array.__arrow_array__().to_pylist()
                ],
                dtype="str",
            ),
            "first_day": dates(runs["first"]),
            "last_day": dates(runs["last"]),
            "results": counts(
                totals(frame["run"].to_numpy(), frame["results"].to_numpy(), len(runs))
            ),
            "sessions": counts(
                totals(frame["run"].to_numpy(), frame["sessions"].to_numpy(), len(runs))
            ),
            "stale": (runs["last"] > runs["next"] + np.ceil(age_days)).to_numpy(dtype=bool),
        }
    )
    return result.sort_values(["domain", "sender", "first_day"], kind="stable", ignore_index=True)

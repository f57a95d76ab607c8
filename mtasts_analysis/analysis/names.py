"""One name for a sender or an MX host whose spelling varies; the raw name stays in the tables."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

_LEGAL = re.compile(
    r"\b(inc|llc|ltd|limited|corp|corporation|co|company|gmbh|ag|plc|bv|b\.v|sa|s\.a|srl|oy|ab|aps)$",
    re.IGNORECASE,
)
_LONGEST = len("corporation")
_MARKS = " ,."

Pair = tuple[str | None, str | None]


def mx_host(name: str) -> str:
    """Give an MX host's name as it is compared.

    Examples
    --------
    >>> mx_host(" MX1.example.com.")
    'mx1.example.com'
    """
    return name.strip().lower().removesuffix(".")


def canonical(name: str) -> str:
    """Give an organization's name without its legal form, case and spacing.

    Examples
    --------
    >>> canonical("Google Inc.") == canonical("google LLC")
    True
    """
    short = " ".join(name.split())
    end = kept = len(short)
    while end:
        if short[end - 1] in _MARKS:
            end -= 1
            continue
        kept = end
        # Near the end only: a stranger's name may be 64 KiB of legal forms.
        found = _LEGAL.search(short, max(0, end - _LONGEST), end)
        if found is None:
            break
        end = found.start()
    return (short[:kept].lstrip(_MARKS) or short).casefold()


def group(pairs: Iterable[tuple[Pair, int]]) -> dict[Pair, str | None]:
    """Say which sender each pair of submitter domain and organization name is.

    The submitter (TLS-Report-Submitter, RFC 8460 §5.3) tells first; where a mail names none, the
    organization's name without its legal form leads to the one submitter that uses it too.

    Parameters
    ----------
    pairs
        Each (submitter, organization_name) with the number of its reports.

    Returns
    -------
    dict
        The name of the sender: the spelling that most of its reports use, with the submitter behind
        it where two senders would share a name. None where a report names neither.

    Examples
    --------
    >>> group([(("google.com", "Google Inc."), 2), ((None, "Google LLC"), 3)])
    {('google.com', 'Google Inc.'): 'Google LLC', (None, 'Google LLC'): 'Google LLC'}
    """
    given = list(pairs)
    submitters = defaultdict(set)
    for (submitter, name), _ in given:
        if submitter and name:
            submitters[canonical(name)].add(submitter.casefold())

    def key(pair: Pair) -> tuple[str, str] | None:
        submitter, name = pair
        if submitter:
            return ("submitter", submitter.casefold())
        if not name:
            return None
        short = canonical(name)
        known = submitters.get(short, set())
        return ("submitter", next(iter(known))) if len(known) == 1 else ("name", short)

    spellings: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for pair, count in given:
        at = key(pair)
        if at is not None:
            spellings[at][pair[1] or at[1]] += count
    chosen = {at: _most(spelled) for at, spelled in spellings.items()}
    shared = Counter(chosen.values())
    final = {
        at: name if shared[name] == 1 or at[0] == "name" else f"{name} ({at[1]})"
        for at, name in chosen.items()
    }
    return {pair: None if (at := key(pair)) is None else final[at] for pair, _ in given}


def _most(names: Counter[str]) -> str:
    return min((-count, name) for name, count in names.items())[1]

"""Leads and changes that somebody has looked into: `acknowledged.toml`."""

import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from mtasts_analysis import arguments
from mtasts_analysis.errors import InputError
from mtasts_analysis.wording import plainly

CODES = ("interception", "open-change")
"""The gates whose subjects can be closed."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """One lead or change that is understood.

    Attributes
    ----------
    code : str
        The gate: `interception` or `open-change`.
    subject : str
        What the gate names, such as `starttls-for-few at mx1.example.com`.
    reason : str
        Why it is closed; it stands in the write-up.
    until : datetime.date
        The last day on which it is closed.
    """

    code: str
    subject: str
    reason: str
    until: date

    def closes(self, code: str, subject: str, day: date) -> bool:
        """Tell whether it closes a gate's subject on a day."""
        return (self.code, self.subject) == (code, subject) and day <= self.until


def unmatched_said(entries: Sequence[Acknowledged]) -> str:
    """Say which entries no gate names; empty where there is none.

    Examples
    --------
    >>> unmatched_said([Acknowledged("interception", "starttls at mx1", "known", date(2026, 12, 31))])
    'Acknowledged, but named by no gate (misspelt, of another domain, or over): interception: starttls at mx1.'
    """
    said = "; ".join(f"{entry.code}: {entry.subject}" for entry in entries)
    where = "Acknowledged, but named by no gate (misspelt, of another domain, or over)"
    return f"{where}: {said}." if said else ""


def read_acknowledged(path: str | os.PathLike[str]) -> tuple[Acknowledged, ...]:
    """Read an `acknowledged.toml`.

    ::

        [[acknowledged]]
        code = "interception"
        subject = "starttls-for-few at mx1.example.com"
        reason = "a lab host of that sender, agreed with its operator"
        until = 2026-12-31

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    tuple of Acknowledged
        Its entries.

    Raises
    ------
    InputError
        The file is missing, is no TOML, or an entry lacks a key.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import mtasts_analysis as ma
    >>> text = '''
    ... [[acknowledged]]
    ... code = "interception"
    ... subject = "starttls-for-few at mx1.example.com"
    ... reason = "a lab host of that sender, agreed with its operator"
    ... until = 2026-12-31
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "acknowledged.toml")
    ...     _ = path.write_text(text)
    ...     (entry,) = ma.read_acknowledged(path)
    >>> entry.closes("interception", "starttls-for-few at mx1.example.com", entry.until)
    True
    """
    file = arguments.path("path", path, "a TOML file of [[acknowledged]] entries")
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            f"{file}: expected a TOML file of [[acknowledged]] entries; {plainly(error)}"
        ) from error
    entries = given.get("acknowledged", [])
    if set(given) - {"acknowledged"} or not isinstance(entries, list):
        raise InputError(f"{file}: expected [[acknowledged]] entries only; got {', '.join(given)}")
    found = []
    for number, entry in enumerate(entries, 1):
        values = entry if isinstance(entry, dict) else {}
        texts = [values.get(name) for name in ("code", "subject", "reason")]
        until = values.get("until")
        known = [text for text in texts if isinstance(text, str) and text]
        if len(known) < len(texts) or known[0] not in CODES or type(until) is not date:
            raise InputError(
                f"{file}: entry {number}: expected code ({' or '.join(CODES)}), subject and reason as text,"
                f" until as a date; got {entry}"
            )
        code, subject, reason = known
        found.append(Acknowledged(code, subject, reason, until))
    return tuple(found)

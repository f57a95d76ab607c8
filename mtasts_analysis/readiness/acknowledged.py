"""Leads and changes that somebody has looked into: `acknowledged.toml`."""

import os
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from mtasts_analysis.errors import InputError


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
    """
    file = Path(path)
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8")).get("acknowledged", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            f"{file}: expected a TOML file of [[acknowledged]] entries; {error}"
        ) from error
    found = []
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], 1):
        given = entry if isinstance(entry, dict) else {}
        texts = [given.get(name) for name in ("code", "subject", "reason")]
        until = given.get("until")
        known = [text for text in texts if isinstance(text, str) and text]
        if len(known) < len(texts) or not isinstance(until, date):
            raise InputError(
                f"{file}: entry {number}: expected code, subject and reason as text, until as a date; got {given}"
            )
        code, subject, reason = known
        found.append(Acknowledged(code, subject, reason, until))
    return tuple(found)

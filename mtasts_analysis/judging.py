"""The judgement that an analyst holds: it shows itself, and writes itself up."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

import pandas as pd

from mtasts_analysis import arguments
from mtasts_analysis.analysis.facts import Data, facts_of
from mtasts_analysis.archive.files import replacing
from mtasts_analysis.checks.facts import Check
from mtasts_analysis.checks.policy import Policy
from mtasts_analysis.errors import InputError
from mtasts_analysis.readiness.acknowledged import Acknowledged, unmatched_said
from mtasts_analysis.readiness.config import DEFAULT, ReadinessConfig
from mtasts_analysis.readiness.judgement import Judgement, judge, judge_all
from mtasts_analysis.show import document
from mtasts_analysis.show.assessment import AssessmentPanel, Settings, card
from mtasts_analysis.show.frames import frame_html, frame_text, sparkline
from mtasts_analysis.show.text import plain, wrapped
from mtasts_analysis.show.writeup import blocks, next_step, why


@dataclass(frozen=True, eq=False, repr=False)
class Assessment(Judgement):
    """A :class:`~mtasts_analysis.readiness.judgement.Judgement` to read; made by :func:`assess`."""

    def write_up(
        self,
        path: str | os.PathLike[str],
        *,
        author: str = "",
        note: str = "",
        redact: bool = False,
    ) -> Path:
        """Write the judgement for a reader who was not there.

        Parameters
        ----------
        path
            Its ending says as what: `.html` (one file, prints well), `.md`, `.docx` (extra `docx`), `.pdf`
            (extra `pdf`). The facts are the same in each.
        author
            Who hands it in.
        note
            What the author adds.
        redact
            Put `[address]` in the place of IP and mail addresses.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        InputError
            Another ending, or no path on this machine; an author or note that is no text.
        OutputError
            The file cannot be written.
        MissingExtraError
            The format's extra is not installed.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import mtasts_analysis as ma
        >>> data = ma.load(ma.sample_archive(), progress=False)
        >>> found = ma.assess(data, "harbour.example")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = found.write_up(pathlib.Path(folder, "readiness.md"), author="A. Analyst")
        ...     found.sentence in path.read_text(encoding="utf-8")
        True
        """
        target = arguments.path("path", path, "a file")
        arguments.instance("author", author, str, "a text")
        arguments.instance("note", note, str, "a text")
        arguments.instance("redact", redact, bool, "True or False")
        writer = document.WRITERS.get(target.suffix.lower())
        if writer is None:
            known = ", ".join(document.WRITERS)
            raise InputError(
                f"{target}: expected a name that ends in {known}; got {target.suffix!r}"
            )
        made = blocks(self, author, note, redact=redact)
        content: bytes = writer(made, f"MTA-STS readiness of {self.domain}")
        with replacing(target.parent, [target.name]) as (temporary,):
            temporary.write_bytes(content)
        return target

    def _repr_html_(self) -> str:
        return card(self)

    def __repr__(self) -> str:
        parts = [
            wrapped(plain(self.sentence, 600)),
            wrapped(self._standing()),
            "",
            *(wrapped(f"- {plain(reason, 300)}", "  ") for reason in why(self)),
            "",
            wrapped(plain(next_step(self), 500)),
            *([wrapped(plain(self.missing, 900))] if self.missing else []),
            *([wrapped(plain(unmatched_said(self.unmatched), 600))] if self.unmatched else []),
            "",
            frame_text(self.table[["code", "status", "figures"]], 40),
        ]
        return "\n".join(parts)

    def _standing(self) -> str:
        since = f" since {self.stage.since}" if self.stage.since else ""
        return f"{self.domain} as of {self.as_of}: {self.verdict}; stage {self.stage.name}{since}"


def assess(
    data: Data | None,
    domain: str,
    check: Check | None = None,
    as_of: date | str | None = None,
    config: ReadinessConfig = DEFAULT,
    acknowledged: Sequence[Acknowledged] = (),
    policy: Policy | str | None = None,
) -> Assessment:
    """Judge whether a domain may go to `enforce`, from reports, a live check, or both.

    Parameters
    ----------
    data
        A loaded archive, or None to judge by a live check alone.
    domain
        The domain.
    check
        What `check_domain` gave, or None to judge by reports alone.
    as_of
        The day of the judgement: reports up to the day before count. By default the day of the check or the one
        after the last report about the domain, whichever is later, or today.
    config
        The thresholds.
    acknowledged
        What :func:`mtasts_analysis.read_acknowledged` gave.
    policy
        A draft, as text, to be judged as if it said `enforce`, in place of the policy that senders saw.

    Returns
    -------
    Assessment
        Verdict, reasons, gates with their evidence, impact and plan; `write_up(path)` writes it.

    Raises
    ------
    InputError
        Neither reports nor a check, an impossible domain or day, or a draft that is no policy.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> found = ma.assess(data, "harbour.example")
    >>> found.sentence.partition(" Mind: ")[0]
    'By reports up to 2026-05-01, harbour.example may go to enforce; a live check must still confirm it.'
    """
    found = judge(data, domain, check, as_of, config, acknowledged, policy)
    return Assessment(**{field.name: getattr(found, field.name) for field in fields(found)})


class Ranking:
    """Every domain of an archive, what needs work first; made by :func:`assess_all`.

    Attributes
    ----------
    frame : pandas.DataFrame
        What :func:`mtasts_analysis.readiness.judgement.judge_all` gives.
    days : int
        How many days its sessions and shares are of.
    """

    def __init__(self, frame: pd.DataFrame, days: int) -> None:
        self.frame, self.days = frame, days

    def _repr_html_(self) -> str:
        shown = self.frame.drop(columns="weekly")
        lines = [sparkline(values) for values in self.frame["weekly"]]
        title = f"Domains, what needs work first; sessions and shares of {self.days} days"
        return frame_html(shown, title, extra={"failed by week": lines})

    def __repr__(self) -> str:
        names = ["domain", "stage", "verdict", "refused_share", "next_step"]
        return f"{frame_text(self.frame[names], 50)}\nrefused share: of {self.days} days"


def assess_all(
    data: Data,
    as_of: date | str | None = None,
    config: ReadinessConfig = DEFAULT,
    acknowledged: Sequence[Acknowledged] = (),
) -> Ranking:
    """Judge every domain of an archive by its reports, what needs work first.

    Parameters
    ----------
    data
        A loaded archive.
    as_of, config, acknowledged
        As :func:`assess` takes them.

    Returns
    -------
    Ranking
        `frame` has a row for each domain, and none for what is no domain name: `domain`, `stage`, `verdict`,
        `sessions` (of the impact's days), `refused_share`, `high` (the forecast's upper bound), `failing`
        (gates), `next_step`, `next_date` and `weekly` (failed shares); a notebook shows these as a sparkline.

    Raises
    ------
    InputError
        An impossible day.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> ma.assess_all(data).frame["verdict"].tolist()
    ['enforcing, failing', 'not yet', 'ready by reports']
    """
    return Ranking(judge_all(data, as_of, config, acknowledged), config.forecast_days)


def assess_panel(
    data: Data,
    domain: str,
    check: Check | None = None,
    as_of: date | str | None = None,
    config: ReadinessConfig = DEFAULT,
    acknowledged: Sequence[Acknowledged] = (),
    policy: str = "",
) -> AssessmentPanel:
    """Open an assessment whose verdict, gates and impact follow the controls.

    Parameters
    ----------
    data, domain, check, as_of, config, acknowledged, policy
        As :func:`assess` takes them; domain, day, thresholds and draft are controls. The check counts for its own
        domain only.

    Returns
    -------
    AssessmentPanel
        A widget for JupyterLab 4 and notebook 7; `panel.assessment` is what it shows.

    Raises
    ------
    InputError
        An impossible domain or day, or a draft that is no policy: given here. In a control, the panel says so.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> panel = ma.assess_panel(data, "clinic.example", as_of="2026-03-17")
    >>> panel.assessment.verdict
    'not yet'
    """

    def judged(of: Settings) -> Assessment:
        own = check if check is not None and check.domain == of.domain else None
        draft = of.policy.strip() + "\n" if of.policy.strip() else None
        return assess(data, of.domain, own, of.as_of, of.config, acknowledged, draft)

    facts = facts_of(data)
    arguments.instance("policy", policy, str, "the text of a policy file")
    first = assess(data, domain, check, as_of, config, acknowledged, policy or None)
    settings = Settings(first.domain, first.as_of, config, policy)
    return AssessmentPanel(judged, facts.domain.words, settings)

"""Live checks as plain functions: a domain, many domains, a certificate; and what they give."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

import msgspec
import pandas as pd

from mtasts_analysis import arguments
from mtasts_analysis.archive.parquet import write_more
from mtasts_analysis.checks.config import DEFAULT, CheckConfig
from mtasts_analysis.checks.domain import Run
from mtasts_analysis.checks.facts import Check
from mtasts_analysis.checks.history import append, last_seen, with_drift
from mtasts_analysis.checks.planned import CertificateCheck, judge_planned, read_pem
from mtasts_analysis.checks.running import run
from mtasts_analysis.errors import InputError
from mtasts_analysis.findings import SEVERITIES, Finding
from mtasts_analysis.printable import printable
from mtasts_analysis.show.cards import CARD, check_html, check_text, findings_html
from mtasts_analysis.show.form import CheckForm
from mtasts_analysis.show.frames import frame_html
from mtasts_analysis.show.html import element
from mtasts_analysis.show.progress import expect, watched
from mtasts_analysis.show.text import plain, wrapped
from mtasts_analysis.wording import plainly, several

_RECORDED = Path(__file__).parent / "checks" / "recorded.json"
NO_NAME = "no domain name"
"""The role, among certificates, of what was rejected."""
_SHOWN = 20  # domains whose errors stand below a table of many
_TOLD = 3  # names of no domain that stand below the checks


@dataclass(frozen=True, kw_only=True)
class DomainCheck(Check):
    """What a sender that honours MTA-STS would meet at a domain; made by :func:`check_domain`.

    A notebook shows it as a card, `print` as text.

    Attributes
    ----------
    state : str
        `enforce`, `testing`, `none`, `absent`, `broken` or `unknown`.
    findings : tuple of Finding
        The worst first.
    mx : tuple of MxHost
        The preferred first; `under_enforce` says what becomes of mail to it.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> recorded = ma.live.recorded_check()
    >>> recorded.domain, recorded.state
    ('clinic.example', 'testing')
    """

    note: str = ""
    """A sentence that is shown above: that this is no check of now."""

    @classmethod
    def of(cls, check: Check) -> Self:
        """Dress a check to be shown."""
        return cls(**{f.name: getattr(check, f.name) for f in fields(check)})

    @property
    def worst(self) -> str:
        """The worst severity among the findings; `info` if there are none."""
        return self.findings[0].severity if self.findings else "info"

    def to_dict(self) -> dict[str, Any]:
        """Give all of it in what JSON knows; :meth:`from_dict` reads it back."""
        made: dict[str, Any] = msgspec.to_builtins(self)
        made["state"] = self.state
        for there, mx in zip(made["mx"], self.mx, strict=True):
            there["under_enforce"] = mx.under_enforce
        return made

    @classmethod
    def from_dict(cls, made: dict[str, Any]) -> Self:
        """Read what :meth:`to_dict` gave.

        Raises
        ------
        InputError
            It is something else.
        """
        try:
            return msgspec.convert(made, cls)
        except msgspec.ValidationError as error:
            raise InputError(f"expected what DomainCheck.to_dict() gives; {error}") from error

    def _repr_html_(self) -> str:
        return check_html(self, self.note)

    def __str__(self) -> str:
        return check_text(self, self.note)

    __repr__ = __str__


class CheckResults:
    """The checks of several domains; made by :func:`check_domains`.

    Attributes
    ----------
    checks : tuple of DomainCheck
        In the order in which the domains were given.
    rejected : tuple of Finding
        What was given and is no domain name.
    """

    def __init__(self, checks: Iterable[DomainCheck], rejected: Iterable[Finding] = ()) -> None:
        self.checks = tuple(checks)
        self.rejected = tuple(rejected)

    def __len__(self) -> int:
        return len(self.checks)

    def __iter__(self) -> Iterator[DomainCheck]:
        return iter(self.checks)

    def __getitem__(self, domain: str) -> DomainCheck:
        """Give one domain's check."""
        try:
            wanted = arguments.domain("domain", domain)
        except InputError:
            raise KeyError(domain) from None
        for check in self.checks:
            if check.domain == wanted:
                return check
        raise KeyError(domain)

    @property
    def findings(self) -> pd.DataFrame:
        """A row for each finding: `domain`, `severity`, `code`, `subject`, `evidence`, `action`, `reference`."""
        names = ("severity", "code", "subject", "evidence", "action", "reference")
        rows = [
            (check.domain, *(getattr(f, n) for n in names))
            for check in self.checks
            for f in check.findings
        ]
        rows += [(f.subject, *(getattr(f, n) for n in names)) for f in self.rejected]
        frame = pd.DataFrame(rows, columns=["domain", *names], dtype="str")
        frame["severity"] = pd.Categorical(frame["severity"], SEVERITIES, ordered=True)
        return frame.sort_values(["severity", "domain"], kind="stable", ignore_index=True)

    @property
    def facts(self) -> pd.DataFrame:
        """A row for each domain: what is published, and how many MX hosts would be refused under enforce.

        The columns: `domain`, `checked_at` (UTC), `state`, `record_id`, `mode`, `max_age`, `policy_mx`,
        `policy_days_left` (of the policy host's certificate), `tlsrpt_rua`, `providers`, `mx_hosts`,
        `mx_not_in_policy`, `mx_refused`, `mx_unknown`, `dane_match` (MX hosts whose TLSA records match), `errors`,
        `warnings`, `unknowns` (findings of each severity).
        """
        return _frame([_facts(c) for c in self.checks], _FACTS)

    @property
    def certificates(self) -> pd.DataFrame:
        """A row for each certificate of a policy host or MX address; the one that expires first comes first.

        The columns: `domain`, `role` (`policy host`, `MX`; `none` where no host was found, `no domain name` for
        what was rejected), `host`, `address`, `days_left`, `not_after` (UTC), `accepted`, `problem`, `sha256`.
        Where no certificate was seen, `days_left` is missing and `problem` says why.
        """
        rows = [row for check in self.checks for row in _certificates(check)]
        rows += [_no_certificate(f.subject, NO_NAME, f.subject, f.evidence) for f in self.rejected]
        frame = _frame(rows, _CERTIFICATES)
        return frame.sort_values(["days_left", "domain"], kind="stable", ignore_index=True)

    def to_parquet(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write `findings.parquet`, `facts.parquet` and `certificates.parquet`, all or none.

        Raises
        ------
        InputError
            It is no path on this machine.
        OutputError
            The folder cannot be written.
        """
        into = arguments.path("folder", folder, "a folder for tables")
        import pyarrow as pa  # noqa: PLC0415  # as slow to import as pandas, and wanted here only

        frames = {"findings": self.findings, "facts": self.facts, "certificates": self.certificates}
        tables = {n: pa.Table.from_pandas(f, preserve_index=False) for n, f in frames.items()}
        return write_more(tables, into)

    def to_dict(self) -> dict[str, Any]:
        """Give all of it in what JSON knows."""
        return {
            "checks": [c.to_dict() for c in self.checks],
            "rejected": msgspec.to_builtins(self.rejected),
        }

    def _repr_html_(self) -> str:
        shown = self.facts[
            [
                "domain",
                "state",
                "mode",
                "max_age",
                "mx_hosts",
                "mx_refused",
                "errors",
                "warnings",
                "unknowns",
            ]
        ]
        # An MX host does not say whose it is: each domain has its own heading.
        wrong = [("What is no domain name", list(self.rejected))]
        wrong += [(c.domain, [f for f in c.findings if f.severity == "error"]) for c in self.checks]
        wrong = [(title, found) for title, found in wrong if found]
        below = "".join(findings_html(found, title) for title, found in wrong[:_SHOWN])
        left = len(wrong) - _SHOWN
        below += (
            f"<p>Errors of {left:,} more domains: <code>.findings</code></p>" if left > 0 else ""
        )
        return frame_html(shown, several(len(self), "domain")) + element(
            f"<p><b>{'Errors, by domain' if wrong else 'No errors.'}</b></p>{below}",
            "<p>Warnings and remarks stand on each domain's card and in <code>.findings</code>.</p>",
            style=CARD,
        )

    def __str__(self) -> str:
        # The evidence names what was given.
        rejected = [
            wrapped(plain(f"{f.severity:8} {f.code}  {f.evidence}", 600))
            for f in self.rejected[:_TOLD]
        ]
        left = len(self.rejected) - _TOLD
        rejected += [f"and {several(left, 'more name')} of no domain"] if left > 0 else []
        return "\n\n".join([*map(str, self.checks), *(["\n".join(rejected)] if rejected else [])])

    __repr__ = __str__


def check_domain(
    domain: str,
    *,
    config: CheckConfig = DEFAULT,
    history: str | os.PathLike[str] | None = None,
) -> DomainCheck:
    """Check what a sender that honours MTA-STS would meet at a domain today, and what to do about it.

    Parameters
    ----------
    domain
        A domain that receives mail, ASCII or Unicode.
    config
        Resolver, trust, time-outs, bounds.
    history
        A Parquet file in which what matters for the next check is kept: then it is told when the policy changed
        under the same id, and the like. For one run at a time: of two that overlap, the rows of one may be lost.

    Returns
    -------
    DomainCheck
        Records, policy, MX hosts and findings. A DNS failure or a blocked port is a finding, never an error.

    Raises
    ------
    InputError
        It is no domain name; there is no resolver, or there are no trusted CAs; the history cannot be read.
    SchemaError
        The history is another file.
    OutputError
        The history cannot be written.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> ma.check_domain("not a domain")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    mtasts_analysis.errors.InputError: domain: expected a domain name; 'not a domain': ...
    """
    name = arguments.domain("domain", domain)
    results = check_domains([name], config=config, history=history, progress=False)
    return results.checks[0]


def check_domains(
    domains: Iterable[str],
    *,
    config: CheckConfig = DEFAULT,
    history: str | os.PathLike[str] | None = None,
    progress: bool | Callable[[DomainCheck], None] | None = None,
) -> CheckResults:
    """Check many domains at once; MX hosts that they share are asked once.

    Parameters
    ----------
    domains
        Domain names; each is checked once. One that is none becomes a row of the findings.
    config
        Resolver, trust, time-outs, bounds.
    history
        As for :func:`check_domain`.
    progress
        A bar; by default where a person watches. Or a function that is given each check as it is done.

    Returns
    -------
    CheckResults
        `findings`, `facts` and `certificates` are DataFrames; `results["example.com"]` is one domain's check.

    Raises
    ------
    InputError
        There is no resolver, or there are no trusted CAs; the history cannot be read.
    SchemaError
        The history is another file.
    OutputError
        The history cannot be written.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> ma.check_domains(["10.0.0.1"]).findings["code"].tolist()
    ['domain-invalid']
    """
    names: dict[str, None] = {}
    rejected = []
    _expect_config(config)
    expect(progress)
    for domain in _domains(domains):
        try:
            names[arguments.domain("domain", domain)] = None
        except InputError as error:
            rejected.append(
                Finding(
                    "domain-invalid",
                    "error",
                    printable(str(domain)[:253]),
                    str(error),
                    "",
                    "RFC 1035 §2.3.1",
                )
            )
    last = last_seen(history) if history is not None else {}

    async def checked(tell: Callable[[DomainCheck], None]) -> dict[str, DomainCheck]:
        found = {}
        async with aclosing(Run(config).check_all(names)) as checks:
            async for check in checks:
                made = DomainCheck.of(with_drift(check, last))
                found[check.domain] = made
                tell(made)
        return found

    if callable(progress):
        found = run(checked(progress)) if names else {}
    else:
        from tqdm.auto import tqdm  # noqa: PLC0415  # slow to import, and only wanted here

        show = watched() if progress is None else progress
        with tqdm(
            total=len(names), desc="checking", unit="domain", leave=False, disable=not show
        ) as bar:
            found = run(checked(lambda check: _step(bar, check))) if names else {}
    results = CheckResults([found[n] for n in names], rejected)
    if history is not None:
        append(history, results.checks)
    return results


def _step(bar: Any, check: DomainCheck) -> None:
    bar.set_postfix_str(check.domain[:40], refresh=False)
    bar.update()


def monitor(
    domains: Iterable[str], *, config: CheckConfig = DEFAULT, progress: bool | None = None
) -> pd.DataFrame:
    """Look at the certificates of all MX and policy hosts of some domains: which expires first.

    Parameters
    ----------
    domains
        Domain names; one that is none has a row that says so.
    config
        Resolver, trust, time-outs, bounds; `expiry_days` is the threshold.
    progress
        A bar; by default where a person watches.

    Returns
    -------
    pandas.DataFrame
        As :attr:`CheckResults.certificates`: `days_left` is missing where no certificate was seen, and `problem`
        then says why.

    Raises
    ------
    InputError
        There is no resolver, or there are no trusted CAs.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> list(ma.monitor([]))[:4]
    ['domain', 'role', 'host', 'address']
    """
    _expect_config(config)
    quick = replace(config, tls_versions=False)
    return check_domains(domains, config=quick, progress=progress).certificates


def check_certificate(
    pem: str | bytes | os.PathLike[str],
    domain: str,
    *,
    hosts: Iterable[str] | None = None,
    config: CheckConfig = DEFAULT,
) -> CertificateCheck:
    """Judge a certificate before it is deployed: name, dates, chain, strength, and the TLSA records in DNS.

    Parameters
    ----------
    pem
        The chain as PEM, the leaf first, or the path of such a file (`fullchain.pem`).
    domain
        The domain whose mail or policy host gets it.
    hosts
        For which hosts; by default those of the domain's MX hosts and its policy host that it names.
    config
        Resolver and trusted CAs.

    Returns
    -------
    CertificateCheck
        Its findings, and for which hosts they hold.

    Raises
    ------
    InputError
        The file cannot be read; there is no certificate in it, or one that cannot be read; the domain or a host is
        no domain name; there is no resolver, or there are no trusted CAs.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> ma.check_certificate(b"nothing", "d.example")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    mtasts_analysis.errors.InputError: pem: expected certificates between ...
    """
    _expect_config(config)
    name = arguments.domain("domain", domain)
    named = () if hosts is None else arguments.several("hosts", hosts, str, "hosts in a list")
    wanted = None if hosts is None else [arguments.domain("hosts", host) for host in named]
    ders = read_pem(*_pem(pem))

    async def judged() -> CertificateCheck:
        return await judge_planned(Run(config), ders, name, wanted)

    return run(judged())


def recorded_check() -> DomainCheck:
    """Give the check of a made-up domain that was recorded in a lab: for when there is no network.

    Returns
    -------
    DomainCheck
        Its `note` says that it is no check of now.
    """
    return DomainCheck.from_dict(json.loads(_RECORDED.read_text(encoding="utf-8")))


def online(config: CheckConfig = DEFAULT) -> bool:
    """Tell whether there is a network to check with: the resolver knows the root's name servers.

    Parameters
    ----------
    config
        Which resolver.

    Raises
    ------
    InputError
        There is no resolver, or there are no trusted CAs.
    """
    _expect_config(config)

    async def asked() -> bool:
        return (await Run(config).asker.ask(".", "NS")).status == "ok"

    return run(asked())


def check_form(domains: Iterable[str] = (), *, config: CheckConfig = DEFAULT) -> CheckForm:
    """Open a form in which domains are typed, progress is watched, and cards are read.

    Parameters
    ----------
    domains
        Those to begin with: they are checked at once.
    config
        Resolver, trust, time-outs, bounds.

    Returns
    -------
    CheckForm
        A widget; `form.shown` holds the checks of the cards. With no network, or no domain yet, the card is a
        recorded one, and says so.

    Raises
    ------
    InputError
        With domains to begin with: there is no resolver, or there are no trusted CAs.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> [check.domain for check in ma.live.check_form().shown]
    ['clinic.example']
    """

    def ask(
        names: Sequence[str], tell: Callable[[object], None]
    ) -> tuple[Sequence[DomainCheck], str]:
        recorded = recorded_check()
        if not names:
            return [recorded], ""
        if not online(config):
            note = f"There is no network here, so nothing was checked. {recorded.note}"
            return [replace(recorded, note=note)], ""
        results = check_domains(names, config=config, progress=tell)
        return results.checks, "; ".join(f.evidence for f in results.rejected)

    _expect_config(config)
    given = list(_domains(domains))
    first, _ = ask(given, lambda _: None)
    return CheckForm(ask, given, first)


def _pem(pem: str | bytes | os.PathLike[str]) -> tuple[bytes, str]:
    """Give the text, and where it stands."""
    given = "the text given"
    if isinstance(pem, bytes):
        return pem, given
    if isinstance(pem, str) and "-----BEGIN" in pem:
        return pem.encode("ascii", "replace"), given
    path = arguments.path("pem", pem, "PEM text or a file of it")
    try:
        return path.read_bytes(), str(path)
    except OSError as error:
        raise InputError(
            f"pem: expected PEM text or a file of it; {path}: {plainly(error)}"
        ) from error


def _domains(given: Iterable[str]) -> Iterable[str]:
    """Give several domains, or the one that was given by itself; each is judged where it is used."""
    return arguments.several(
        "domains", [given] if isinstance(given, str) else given, object, "a domain or several"
    )


def _expect_config(config: CheckConfig) -> None:
    such_as = "a CheckConfig, such as CheckConfig(smtp=False)"
    arguments.instance("config", config, CheckConfig, such_as)


_FACTS = {
    "domain": "str",
    "checked_at": "datetime64[us, UTC]",
    "state": "str",
    "record_id": "str",
    "mode": "str",
    "max_age": "Int64",
    "policy_mx": "str",
    "policy_days_left": "Int64",
    "tlsrpt_rua": "str",
    "providers": "str",
    "mx_hosts": "Int64",
    "mx_not_in_policy": "Int64",
    "mx_refused": "Int64",
    "mx_unknown": "Int64",
    "dane_match": "Int64",
    "errors": "Int64",
    "warnings": "Int64",
    "unknowns": "Int64",
}


def _facts(check: Check) -> dict[str, Any]:
    shown = check.fetched.presented if check.fetched else None
    counts = {s: sum(f.severity == s for f in check.findings) for s in SEVERITIES}
    return {
        "domain": check.domain,
        "checked_at": check.checked_at,
        "state": check.state,
        "record_id": check.sts_record.id if check.sts_record else None,
        "mode": check.policy.mode if check.policy else None,
        "max_age": check.policy.max_age if check.policy else None,
        "policy_mx": ", ".join(check.policy.mx) if check.policy else None,
        "policy_days_left": shown.chain[0].days_left(check.checked_at)
        if shown and shown.chain
        else None,
        "tlsrpt_rua": ", ".join(check.tlsrpt_record.rua) if check.tlsrpt_record else None,
        "providers": ", ".join(dict.fromkeys(m.provider for m in check.mx if m.provider)) or None,
        "mx_hosts": len(check.mx),
        "mx_not_in_policy": sum(m.covered is False for m in check.mx),
        "mx_refused": sum(m.under_enforce == "refused" for m in check.mx),
        "mx_unknown": sum(m.under_enforce == "unknown" for m in check.mx),
        "dane_match": sum(m.dane is not None and m.dane.verdict == "match" for m in check.mx),
        "errors": counts["error"],
        "warnings": counts["warning"],
        "unknowns": counts["unknown"],
    }


_CERTIFICATES = {
    "domain": "str",
    "role": "str",
    "host": "str",
    "address": "str",
    "days_left": "Int64",
    "not_after": "datetime64[us, UTC]",
    "accepted": "boolean",
    "problem": "str",
    "sha256": "str",
}


def _certificates(check: Check) -> Iterator[dict[str, Any]]:
    def row(role: str, host: str, address: str | None, shown: Any, why: str) -> dict[str, Any]:
        leaf = shown.chain[0] if shown is not None and shown.chain else None
        return {
            "domain": check.domain,
            "role": role,
            "host": host,
            "address": address,
            "days_left": leaf.days_left(check.checked_at) if leaf else None,
            "not_after": leaf.not_after if leaf else None,
            "accepted": shown.verified if shown is not None else None,
            "problem": why or (None if shown is None or shown.verified else shown.said),
            "sha256": leaf.sha256 if leaf else None,
        }

    host = f"mta-sts.{check.domain}"
    told = {f.code: f.evidence for f in check.findings if f.subject in (check.domain, host)}
    if check.fetched is not None:
        shown = check.fetched.presented
        why = "" if shown is not None else "no certificate was seen"
        yield row("policy host", host, check.fetched.address, shown, why)
    elif "policy-host-dns-failed" in told:  # there may be one
        yield _no_certificate(check.domain, "policy host", host, told["policy-host-dns-failed"])
    for mx in check.mx:
        for session in mx.sessions:
            why = "" if session.presented else f"{session.outcome}: {session.detail}"
            yield row("MX", mx.host, session.address, session.presented, why)
        if not mx.sessions:
            yield row("MX", mx.host, None, None, "no address, or not connected to")
    if check.mx:
        return
    if "mx-dns-failed" in told:
        yield _no_certificate(check.domain, "MX", check.domain, told["mx-dns-failed"])
    elif check.fetched is None:
        why = told.get("check-failed", "neither a policy host nor an MX host was found")
        yield _no_certificate(check.domain, "none", check.domain, why)


def _no_certificate(domain: str, role: str, host: str, why: str) -> dict[str, Any]:
    return dict.fromkeys(_CERTIFICATES) | {
        "domain": domain,
        "role": role,
        "host": host,
        "problem": why,
    }


def _frame(rows: list[dict[str, Any]], types: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame({n: pd.Series([r[n] for r in rows], dtype=t) for n, t in types.items()})

"""The commands that judge: `assess` for a person or a script, `alert` for cron."""

import argparse
import json
import re
import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtasts_analysis import arguments
from mtasts_analysis.errors import InputError
from mtasts_analysis.limits import YEARS
from mtasts_analysis.wording import plainly, several

if TYPE_CHECKING:  # pandas is slow to import, --help is not
    from mtasts_analysis.checks.config import CheckConfig
    from mtasts_analysis.data import Archive
    from mtasts_analysis.live import CheckResults
    from mtasts_analysis.readiness.told import Told
    from mtasts_analysis.store.dataset import Store

PATHS = "a file, a folder, a quoted pattern, - for standard input, a store, or a folder that `load` wrote"
_TOLD = "_alerts.json"
"""Beside a store's tables: what was told of it."""

_ASSESS = """\
exit codes:
  0  ready, or enforcing and no gate fails
  1  the input or the output cannot serve
  3  no TLS report was found, and no live check was asked for
  4  not yet; or enforcing, and a gate fails
  5  not enough evidence; ready as far as reports tell, without a live check
With several domains, the worst.
"""
_ALERT = """\
exit codes:
  0  nothing new
  1  the input cannot serve
  3  no TLS report was found
  4  something is new
Each alert is told once, and once more if it comes back after a week: what was
told is kept in the store, or in the file that --state names. A report may come
late, so look back some days more than the time between two runs. A script for
cron:
  mtasts-analysis ingest /srv/store /var/mail/tlsrpt &&
  mtasts-analysis alert /srv/store --since '3 days'
"""
_ASKING = ("resolver", "allow_network", "ca_file", "ehlo")
"""The options of :func:`asking`."""
_HOW = ("dkim", "keep_duplicates", "strict", "workers")
"""Options that say how reports are read."""
_CODES = {
    "ready": 0, "enforcing": 0,
    "ready by reports": 5, "not enough evidence": 5, "enforcing, little evidence": 5,
    "not yet": 4, "enforcing, failing": 4,
}  # fmt: skip


def add(commands: Any) -> None:
    """Add both commands to a parser's."""
    assess_ = commands.add_parser(
        "assess",
        help="judge whether a domain may go to enforce, and write it up",
        description="Judge MTA-STS readiness from TLS reports, a live check, or both.",
        epilog=_ASSESS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    assess_.add_argument("paths", nargs="*", metavar="ARCHIVE", help=PATHS)
    assess_.add_argument(
        "--domain", metavar="D", help="the domain (default: a line for each in the archive)"
    )
    assess_.add_argument(
        "--check", action="store_true", help="check the domain live, too; see `check --help`"
    )
    assess_.add_argument(
        "--as-of", metavar="DAY", help="the day of the judgement, such as 2026-05-14"
    )
    assess_.add_argument(
        "--policy", metavar="FILE", help="judge this draft in place of the policy that senders saw"
    )
    assess_.add_argument("--acknowledged", metavar="FILE", help="leads that are understood (TOML)")
    assess_.add_argument(
        "-o", "--output", action="append", default=[], metavar="FILE",
        help="write it up; .html, .md, .docx or .pdf; may be given more than once",
    )  # fmt: skip
    assess_.add_argument("--author", default="", help="who hands the write-up in")
    assess_.add_argument("--note", default="", help="what the author adds")
    assess_.add_argument(
        "--redact", action="store_true", help="leave IP and mail addresses out of the write-up"
    )
    asking(assess_)
    _reading(assess_)

    alert_ = commands.add_parser(
        "alert",
        help="tell what is new since a day: failures, senders, silence, certificates",
        description="Tell what is new and deserves a look.",
        epilog=_ALERT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    alert_.add_argument("paths", nargs="+", metavar="ARCHIVE", help=PATHS)
    alert_.add_argument(
        "--since", default="yesterday", metavar="DAY",
        help="`yesterday`, `3 days`, or a day such as 2026-05-14 (UTC; default: %(default)s)",
    )  # fmt: skip
    alert_.add_argument("--rules", metavar="FILE", help="which alerts there are (TOML)")
    alert_.add_argument(
        "--state", metavar="FILE",
        help=f"where is kept what was told already (default: {_TOLD} in the store's folder; else nothing is kept)",
    )  # fmt: skip
    alert_.add_argument(
        "--check", action="store_true", help="look at the domains' certificates live, too"
    )
    alert_.add_argument("--json", action="store_true", help="print JSON Lines, an alert a line")
    asking(alert_)
    _reading(alert_)


def asking(command: argparse.ArgumentParser) -> None:
    """Add what says how a domain is checked."""
    command.add_argument(
        "--resolver",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="a recursive resolver to ask; DANE needs one that validates (default: the system's)",
    )
    command.add_argument(
        "--allow-network",
        action="append",
        default=[],
        metavar="NETWORK",
        help="connect to addresses of this network though they are not public, as 10.0.0.0/8",
    )
    command.add_argument("--ca-file", metavar="FILE", help="trusted CAs (default: the system's)")
    command.add_argument(
        "--ehlo", metavar="NAME", help="what EHLO says (default: this host's name)"
    )


def config(given: argparse.Namespace, **more: Any) -> "CheckConfig":
    """Give the configuration of a check."""
    from mtasts_analysis.checks.config import CheckConfig  # noqa: PLC0415

    return CheckConfig(
        resolvers=tuple(given.resolver),
        allow_networks=tuple(given.allow_network),
        ca_file=given.ca_file,
        ehlo_name=given.ehlo,
        **more,
    )


def _reading(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--dkim", action="store_true", help="verify each mail's signature by live DNS (extra dkim)"
    )


def assess(given: argparse.Namespace) -> int:
    """Run `assess`; gives its exit code."""
    from mtasts_analysis.judging import assess as judge  # noqa: PLC0415
    from mtasts_analysis.judging import assess_all  # noqa: PLC0415
    from mtasts_analysis.readiness.acknowledged import read_acknowledged  # noqa: PLC0415

    _beside(given, "--check", _ASKING, there=given.check)
    _beside(given, "-o", ("author", "note", "redact"), there=given.output)
    if not given.paths and not given.check:
        raise InputError("expected an archive, --check, or both; got neither")
    # Said before hours of reading, not after them.
    day = None if given.as_of is None else arguments.day("--as-of", given.as_of, YEARS)
    outputs = [arguments.path("-o", path, "a file") for path in given.output]
    known = () if given.acknowledged is None else read_acknowledged(given.acknowledged)
    draft = None if given.policy is None else text("--policy", given.policy, "a policy file")
    data = opened(given) if given.paths else None
    if given.domain is None:
        if data is None or given.check or given.output or draft is not None:
            raise InputError("expected --domain: a check, a draft or a write-up is about one")
        if not data.accounting.reports:
            print("no TLS report was found", file=sys.stderr)
            return 3
        ranking = assess_all(data, day, acknowledged=known)
        print(ranking)
        codes = {_CODES[verdict] for verdict in ranking.frame["verdict"]}
        # Of no domain that can be judged nothing is known.
        return next((code for code in (4, 5) if code in codes), 0 if codes else 5)
    if data is not None and not data.accounting.reports and not given.check:
        print("no TLS report was found", file=sys.stderr)
        return 3
    check = next(iter(_checked(given, [given.domain])), None) if given.check else None
    found = judge(data, given.domain, check, day, acknowledged=known, policy=draft)
    # First what is asked to stay: whoever is told may close the pipe (`| head`).
    written = [
        found.write_up(path, author=given.author, note=given.note, redact=given.redact)
        for path in outputs
    ]
    print(found, *written, sep="\n")
    return _CODES[found.verdict]


def alert(given: argparse.Namespace) -> int:
    """Run `alert`; gives its exit code."""
    from mtasts_analysis.readiness.alerts import alerts, read_rules  # noqa: PLC0415
    from mtasts_analysis.show.text import plain, wrapped  # noqa: PLC0415

    _beside(given, "--check", _ASKING, there=given.check)
    rules = None if given.rules is None else read_rules(given.rules)
    told = _told(given)
    since = since_when(given.since)
    data = opened(given)
    if not data.accounting.reports:
        print("no TLS report was found", file=sys.stderr)
        return 3
    checks = _checked(given, data.facts.domain.words) if given.check else ()
    found = alerts(data, since, rules, checks)
    new = list(found) if told is None else told.new(found)
    for one in new:
        if given.json:
            print(json.dumps({**asdict(one), "day": one.day.isoformat(), "key": one.key}))
        else:
            print(wrapped(f"{plain(one.domain)}: {plain(one.text, 400)}", "    "))
            print(wrapped(f"    {plain(one.action, 200)}", "    "))
    sys.stdout.flush()  # told before it is kept: after a crash an alert may come twice, but never gets lost
    if told is not None:
        told.keep(found)
    return 4 if new else 0


def _told(given: argparse.Namespace) -> "Told | None":
    from mtasts_analysis.readiness.told import Told  # noqa: PLC0415
    from mtasts_analysis.store.dataset import is_store  # noqa: PLC0415

    if given.state is not None:
        return Told(arguments.path("--state", given.state, "a file"))
    if len(given.paths) == 1 and Path(given.paths[0]).is_dir() and is_store(given.paths[0]):
        return Told(Path(given.paths[0]) / _TOLD)
    return None


def since_when(text: str, today: date | None = None) -> date:
    """Read a day as a person writes it.

    Examples
    --------
    >>> str(since_when("yesterday", date(2026, 5, 14))), str(since_when("3 days", date(2026, 5, 14)))
    ('2026-05-13', '2026-05-11')
    """
    now = today or datetime.now(UTC).date()
    counted = re.fullmatch(r"([0-9]{1,4}) ?d(?:ays?)?", text.strip())
    days = {"today": 0, "yesterday": 1}.get(text.strip(), int(counted[1]) if counted else None)
    if days is not None:
        return now - timedelta(days=days)
    try:
        return arguments.day("--since", text.strip(), YEARS)
    except InputError as error:
        raise InputError(f"{error}. `yesterday` and `3 days` do, too") from None


def _checked(given: argparse.Namespace, domains: Iterable[str]) -> "CheckResults":
    from mtasts_analysis.live import check_domains  # noqa: PLC0415

    return check_domains(domains, config=config(given))


def _beside(given: argparse.Namespace, needed: str, names: Iterable[str], *, there: object) -> None:
    """Refuse options that say nothing without another one: who gave them expects otherwise."""
    for name in names if not there else ():
        if getattr(given, name):
            raise InputError(
                f"{_option(name)}: expected {needed} beside it; without that it has no effect"
            )


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def opened(given: argparse.Namespace) -> "Archive | Store":
    """Load an archive, or open what `load` or `ingest` wrote.

    Raises
    ------
    InputError
        Such a folder beside other paths, or options that say how to read what was read long ago; and as
        :func:`mtasts_analysis.load` raises it.
    """
    from mtasts_analysis.archive import finding  # noqa: PLC0415
    from mtasts_analysis.data import load, read_parquet  # noqa: PLC0415
    from mtasts_analysis.store.dataset import Store, is_store  # noqa: PLC0415

    options = {name: getattr(given, name, None) for name in _HOW}
    for path in finding.names(given.paths):
        store = is_store(path)
        if not store and not (Path(path) / "reports.parquet").is_file():
            continue
        what = "a store" if store else "a folder that `load` wrote"
        if len(given.paths) > 1:
            raise InputError(
                f"{path}: expected {what} by itself; got {several(len(given.paths), 'path')}. `ingest` adds"
                " reports to a store"
            )
        for name, value in options.items():
            if value:
                raise InputError(
                    f"{_option(name)}: expected reports that are yet to be read; {path} is {what}: give"
                    f" {_option(name)} where they are read"
                )
        return Store(path) if store else read_parquet(path)
    return load(
        given.paths,
        duplicates="keep" if options["keep_duplicates"] else "drop",
        on_problem="raise" if options["strict"] else "record",
        dkim=given.dkim,
        workers=options["workers"],
    )


def text(option: str, path: str, what: str) -> str:
    """Read the file that an option names.

    Raises
    ------
    InputError
        It cannot be read, or is no text.
    """
    try:
        return arguments.path(option, path, what).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{option}: expected {what}; {path}: {plainly(error)}") from error
    except ValueError as error:
        raise InputError(f"{option}: expected {what}; {path}: no text in UTF-8") from error

"""The command line: what a mail operator runs without a notebook."""

import argparse
import io
import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from mtasts_analysis import __version__, arguments, commands
from mtasts_analysis.errors import InputError, MtastsAnalysisError
from mtasts_analysis.printable import printable
from mtasts_analysis.wording import plainly, several

if TYPE_CHECKING:  # pandas is slow to import, --help is not
    from mtasts_analysis.data import Archive
    from mtasts_analysis.store.dataset import Store

_EPILOG = """\
exit codes:
  0  done; what could not be read stands in the table `problems`
  1  the input or the output cannot serve: the message says what was expected
  2  the command line is not understood
  3  done, but no TLS report was found
  4  check, monitor: something is wrong; alert: something is new;
     assess: not yet, or enforcing and failing
  5  check, monitor, assess: nothing wrong was found, but something could not
     be told
  130  interrupted

examples:
  mtasts-analysis summary tlsrpt.mbox more/
  mtasts-analysis load 'reports/*.json.gz' -o out/
  ssh mail cat /var/mail/tlsrpt | mtasts-analysis load - -o out/ --format csv
  mtasts-analysis notebooks ~/tls-reports
  mtasts-analysis ingest store/ /var/mail/tlsrpt
  mtasts-analysis summary store/
  mtasts-analysis load store/ -o out/ --format csv
  mtasts-analysis check example.com
  mtasts-analysis monitor --file domains.txt
  mtasts-analysis assess tlsrpt.mbox --domain example.com --check -o report.html
  mtasts-analysis alert out/ --since '3 days' --state alerts.json
"""
_PATHS = "a file, a folder, a quoted pattern, or - for standard input"
_REJECTED = 3
"""Lines of no domain name that are told; how many more there are is said."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mtasts-analysis",
        description="TLS reports (RFC 8460) from any archive as tables, and what they say.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    known = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    load = known.add_parser(
        "load",
        help="write an archive's four tables to a folder",
        description="Load TLS reports and write the four tables: reports, policies, failures, problems.",
    )
    load.add_argument("paths", nargs="+", metavar="PATH", help=commands.PATHS)
    load.add_argument("-o", "--output", required=True, metavar="DIR", help="where to")
    load.add_argument(
        "--format",
        choices=("parquet", "csv", "xlsx", "jsonl"),
        default="parquet",
        help="parquet is typed and read back by read_parquet(); the others are for spreadsheets and"
        " streams (default: %(default)s)",
    )
    load.add_argument(
        "--redact", action="store_true", help="leave IP and mail addresses out of what is written"
    )
    _options(load)

    ingest = known.add_parser(
        "ingest",
        help="read what is new into a store, which grows run by run",
        description="Read TLS reports into a Parquet store: what it holds is left out, and a run that is"
        " cut off is completed by the next.",
    )
    ingest.add_argument("store", metavar="STORE", help="a folder, or s3://bucket/prefix (extra s3)")
    ingest.add_argument("paths", nargs="+", metavar="PATH", help=_PATHS)
    ingest.add_argument("--compact", action="store_true", help="then put a month's files into one")
    _reading(ingest)

    summary = known.add_parser(
        "summary",
        help="print what an archive holds",
        description="Load TLS reports and print their span, senders, sessions and problems.",
    )
    summary.add_argument("paths", nargs="+", metavar="PATH", help=commands.PATHS)
    _options(summary)

    check = known.add_parser(
        "check",
        help="check what senders meet at a domain today: DNS, policy, MX over STARTTLS, DANE",
        description="Check domains live. Each finding says what to publish or to run.",
    )
    _asking(check)
    check.add_argument("--json", action="store_true", help="print JSON, for other programs")
    check.add_argument("--no-smtp", action="store_true", help="do not connect to the MX hosts")
    check.add_argument(
        "--history",
        metavar="FILE",
        help="a Parquet file of what was seen, to tell what changed since",
    )
    check.add_argument("-o", "--output", metavar="DIR", help="write the tables as Parquet, too")

    monitor = known.add_parser(
        "monitor",
        help="list the certificates of MX and policy hosts, the next to expire first",
        description="Look at the certificates of all MX and policy hosts; exit code 4 if one needs care.",
    )
    _asking(monitor)
    monitor.add_argument(
        "--days", type=_days, default=30, help="warn with fewer days left (default: %(default)s)"
    )

    commands.add(known)

    notebooks = known.add_parser(
        "notebooks",
        help="lay out the notebooks and the sample archive to work in",
        description="Copy the notebooks and the sample archive to a folder; a notebook that is there stays.",
    )
    notebooks.add_argument("folder", metavar="DIR")

    demo = known.add_parser(
        "demo",
        help="do the main job on the bundled sample archive",
        description="Load the sample archive, write its tables, run the notebooks and write them as HTML.",
    )
    demo.add_argument(
        "-o", "--output", default="out", metavar="DIR", help="where to (default: out)"
    )
    return parser


def _days(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"expected a number of days, 0 or more; got {text!r}")
    return int(text)


def _asking(command: argparse.ArgumentParser) -> None:
    command.add_argument("domains", nargs="*", metavar="DOMAIN", help="a domain that receives mail")
    command.add_argument(
        "--file",
        metavar="FILE",
        help="domains, one a line; # begins a comment; - is standard input",
    )
    commands.asking(command)


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--keep-duplicates", action="store_true", help="keep reports that arrived more than once"
    )
    _reading(command)


def _reading(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--strict", action="store_true", help="stop at the first item that cannot be read"
    )
    command.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes that read (default: all cores for 64 MiB and more, else one)",
    )
    command.add_argument(
        "--dkim",
        action="store_true",
        help="verify each mail's DKIM signature by live DNS (RFC 8460 §3; needs the extra dkim)",
    )


def main(arguments: list[str] | None = None) -> int:
    """Run a command and give its exit code.

    Parameters
    ----------
    arguments
        The command line without the program's name; by default the process's own.

    Returns
    -------
    int
        An exit code; `mtasts-analysis --help` lists them.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a code page lacks letters that senders write
            stream.reconfigure(errors="backslashreplace")
    given = _parser().parse_args(arguments)
    try:
        code = _RUN[given.command](given)
        if sys.stdout is not None:
            sys.stdout.flush()  # a full disk says so here, or nobody hears it
    except MtastsAnalysisError as error:
        print(f"mtasts-analysis: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("mtasts-analysis: interrupted; nothing was replaced", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader has seen enough (`| head`)
        _print_no_more()
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        said = printable(f"{where}{plainly(error)}")
        print(
            f"mtasts-analysis: expected to print, or to read and write files; {said}",
            file=sys.stderr,
        )
        if not error.filename:
            _print_no_more()
        return 1
    return code


def _print_no_more() -> None:
    """Give up what could not be printed: Python would try, and complain, once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _ingest(given: argparse.Namespace) -> int:
    from mtasts_analysis.show.text import wrapped  # noqa: PLC0415
    from mtasts_analysis.store.dataset import Store  # noqa: PLC0415  # pandas is slow to import

    store = Store(given.store)
    done = store.ingest(
        given.paths,
        on_problem="raise" if given.strict else "record",
        dkim=given.dkim,
        workers=given.workers,
    )
    print(wrapped(str(done)))
    if given.compact and done.complete:
        store.compact()
    print(wrapped(f"the store: {store.accounting}"))
    return 0 if done.complete else 130


def _summary(given: argparse.Namespace) -> int:
    data = commands.opened(given)
    print(data)
    return _found(data)


def _load(given: argparse.Namespace) -> int:
    from mtasts_analysis.archive.export import target  # noqa: PLC0415  # pyarrow is slow to import
    from mtasts_analysis.show.text import wrapped  # noqa: PLC0415

    folder = target(given.output, "-o")  # said before hours of reading, not after them
    data = commands.opened(given).filter()
    files = data.export(folder, format=given.format, redact=given.redact)
    print(wrapped(str(data.accounting)))
    for file in files:
        print(file)
    if data.accounting.rejected:
        print(f"could not be read: {data.accounting.rejected:,}; see the table problems")
    return _found(data)


def _found(data: "Archive | Store") -> int:
    if data.accounting.reports:
        return 0
    from mtasts_analysis.show import text  # noqa: PLC0415  # as above

    print("no TLS report was found", file=sys.stderr)
    for row in data.tables["problems"].slice(0, 3).to_pylist():
        print(
            f"{text.plain(row['origin'], 200)}: {text.plain(row['detail'], 200)}", file=sys.stderr
        )
    return 3


def _live(given: argparse.Namespace) -> int:
    from mtasts_analysis.live import NO_NAME, check_domains, monitor  # noqa: PLC0415
    from mtasts_analysis.show.cards import certificates_text  # noqa: PLC0415

    domains = [*given.domains, *(() if given.file is None else _lines(given.file))]
    if not domains:
        raise InputError("expected domains: on the command line, or in a file by --file")
    config = commands.config(
        given, smtp=not getattr(given, "no_smtp", False), expiry_days=getattr(given, "days", 30)
    )
    if given.command == "monitor":
        frame = monitor(domains, config=config)
        rejected = frame[frame["role"] == NO_NAME]
        print(certificates_text(frame.drop(rejected.index[_REJECTED:])))
        for problem in rejected["problem"].head(_REJECTED):
            print(f"mtasts-analysis: {printable(problem)}", file=sys.stderr)
        if len(rejected) > _REJECTED:
            more = several(len(rejected) - _REJECTED, "more name")
            print(f"mtasts-analysis: and {more} of no domain", file=sys.stderr)
        if frame["accepted"].eq(False).any() or (frame["days_left"] < given.days).any():
            return 4
        return 5 if frame["days_left"].isna().any() else 0
    if getattr(given, "output", None) is not None:
        arguments.path("-o", given.output, "a folder for tables")
    results = check_domains(domains, config=config, history=given.history)
    if given.output is not None:  # first what is asked to stay: whoever is told may close the pipe
        results.to_parquet(given.output)
    print(json.dumps(results.to_dict(), indent=1) if given.json else results)
    severities = set(results.findings["severity"])
    return 4 if "error" in severities else 5 if "unknown" in severities else 0


def _lines(file: str) -> list[str]:
    text = (
        sys.stdin.read() if file == "-" else commands.text("--file", file, "a text file of domains")
    )
    return [kept for line in text.splitlines() if (kept := line.partition("#")[0].strip())]


def _notebooks(given: argparse.Namespace) -> int:
    from mtasts_analysis.bundled import lay_out_notebooks  # noqa: PLC0415

    folder = arguments.path("DIR", given.folder, "a folder")
    before = set(folder.glob("*.ipynb"))
    for path in lay_out_notebooks(folder):
        print(f"{path}{' (kept as it was)' if path in before else ''}")
    print(f"open them with: jupyter lab {given.folder}")
    return 0


def _demo(given: argparse.Namespace) -> int:
    from mtasts_analysis.bundled import notebooks, sample_archive  # noqa: PLC0415
    from mtasts_analysis.data import load  # noqa: PLC0415
    from mtasts_analysis.show.notebooks import run  # noqa: PLC0415

    folder = arguments.path("-o", given.output, "a folder")
    data = load(sample_archive())
    print(data)
    print()
    tables = data.to_parquet(folder / "tables")
    print("tables, for pandas and BI tools:")
    for path in tables:
        print(f"  {path}")
    print("notebooks, executed:")
    for source in notebooks():
        page = run(source, folder / f"{source.stem}.html", folder)
        print(f"  {page}")
    return 0


_RUN: dict[str, Callable[[argparse.Namespace], int]] = {
    "load": _load,
    "ingest": _ingest,
    "summary": _summary,
    "check": _live,
    "monitor": _live,
    "assess": commands.assess,
    "alert": commands.alert,
    "notebooks": _notebooks,
    "demo": _demo,
}


if __name__ == "__main__":
    sys.exit(main())

"""The command line: what a mail operator runs without a notebook."""

import argparse
import json
import os
import sys
from pathlib import Path

from mtasts_analysis import __version__, commands
from mtasts_analysis.errors import InputError, MtastsAnalysisError
from mtasts_analysis.printable import printable

_EPILOG = """\
exit codes:
  0  done; what could not be read stands in the table `problems`
  1  the input or the output cannot serve: the message says what was expected
  2  the command line is not understood
  3  done, but no TLS report was found
  4  check, monitor: something is wrong; assess: not yet, or enforcing and failing; alert: something is new
  5  check, monitor, assess: nothing wrong was found, but something could not be told
  130  interrupted

examples:
  mtasts-analysis summary tlsrpt.mbox more/
  mtasts-analysis load 'reports/*.json.gz' -o out/
  ssh mail cat /var/mail/tlsrpt | mtasts-analysis load - -o out/ --format csv
  mtasts-analysis notebooks ~/tls-reports
  mtasts-analysis ingest store/ /var/mail/tlsrpt && mtasts-analysis summary store/
  mtasts-analysis check example.com
  mtasts-analysis monitor --file domains.txt
  mtasts-analysis assess tlsrpt.mbox --domain example.com --check -o readiness.html
  mtasts-analysis alert out/ --since '3 days' --state alerts.json
"""
_PATHS = "a file, a folder, a quoted pattern, or - for standard input"


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
    load.add_argument("paths", nargs="+", metavar="PATH", help=_PATHS)
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
    summary.add_argument("paths", nargs="+", metavar="PATH", help=f"{_PATHS}; or one store")
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
        "--days", type=int, default=30, help="warn with fewer days left (default: %(default)s)"
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
    given = _parser().parse_args(arguments)
    try:
        if given.command == "notebooks":
            return _notebooks(given.folder)
        if given.command in ("check", "monitor"):
            return _live(given)
        if given.command == "demo":
            return _demo(Path(given.output))
        if given.command == "assess":
            return commands.assess(given)
        if given.command == "alert":
            return commands.alert(given)
        if given.command == "ingest":
            return _ingest(given)
        return _load(given)
    except MtastsAnalysisError as error:
        print(f"mtasts-analysis: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("mtasts-analysis: interrupted; nothing was replaced", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has seen enough (`| head`). Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _ingest(given: argparse.Namespace) -> int:
    from mtasts_analysis.store.dataset import Store  # noqa: PLC0415  # pandas is slow to import

    store = Store(given.store)
    done = store.ingest(
        given.paths,
        on_problem="raise" if given.strict else "record",
        dkim=given.dkim,
        workers=given.workers,
    )
    print(done)
    if given.compact and done.complete:
        store.compact()
    print(f"the store: {store.accounting}")
    return 0 if done.complete else 130


def _load(given: argparse.Namespace) -> int:
    if given.command == "summary" and len(given.paths) == 1:
        from mtasts_analysis.store.dataset import Store, is_store  # noqa: PLC0415

        if is_store(given.paths[0]):
            held = Store(given.paths[0])
            print(held)
            return 0 if held.accounting.reports else 3
    from mtasts_analysis.data import load  # noqa: PLC0415  # pandas is slow to import, --help is not

    data = load(
        given.paths,
        duplicates="keep" if given.keep_duplicates else "drop",
        on_problem="raise" if given.strict else "record",
        dkim=given.dkim,
        workers=given.workers,
    )
    if given.command == "summary":
        print(data)
    else:
        files = data.export(given.output, format=given.format, redact=given.redact)
        print(data.accounting)
        for file in files:
            print(file)
        if data.accounting.rejected:
            print(f"could not be read: {data.accounting.rejected:,}; see the table problems")
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

    domains = [*given.domains, *(_lines(given.file) if given.file else ())]
    if not domains:
        raise InputError("expected domains: on the command line, or in a file by --file")
    config = commands.config(
        given, smtp=not getattr(given, "no_smtp", False), expiry_days=getattr(given, "days", 30)
    )
    if given.command == "monitor":
        frame = monitor(domains, config=config)
        print(certificates_text(frame))
        for problem in frame.loc[frame["role"] == NO_NAME, "problem"]:
            print(f"mtasts-analysis: {printable(problem)}", file=sys.stderr)
        if frame["accepted"].eq(False).any() or (frame["days_left"] < given.days).any():
            return 4
        return 5 if frame["days_left"].isna().any() else 0
    results = check_domains(domains, config=config, history=given.history)
    if given.output:  # first what is asked to stay: whoever is told may close the pipe
        results.to_parquet(given.output)
    print(json.dumps(results.to_dict(), indent=1) if given.json else results)
    severities = set(results.findings["severity"])
    return 4 if "error" in severities else 5 if "unknown" in severities else 0


def _lines(file: str) -> list[str]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"--file: expected a text file of domains; {error}") from error
    return [kept for line in text.splitlines() if (kept := line.partition("#")[0].strip())]


def _notebooks(folder: str) -> int:
    from mtasts_analysis.bundled import lay_out_notebooks  # noqa: PLC0415

    for path in lay_out_notebooks(folder):
        print(path)
    print(f"open them with: jupyter lab {folder}")
    return 0


def _demo(folder: Path) -> int:
    from mtasts_analysis.bundled import notebooks, sample_archive  # noqa: PLC0415
    from mtasts_analysis.data import load  # noqa: PLC0415
    from mtasts_analysis.show.notebooks import run  # noqa: PLC0415

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


if __name__ == "__main__":
    sys.exit(main())

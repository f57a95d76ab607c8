"""Every bound on size, depth and number, each with its reason.

Whoever can send mail to the address in a domain's TLSRPT record can send anything. A limit that is
hit costs that one item, never its neighbours, and leaves a row in ``problems`` that names the limit.
"""

from dataclasses import dataclass, fields

from mtasts_analysis import arguments

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds that :func:`mtasts_analysis.load` keeps; raise one with ``load(limits=Limits(...))``.

    A unit of work is all that one process reads, or with several workers, and in a store, some 16 MiB of it.

    Raises
    ------
    InputError
        A bound that is no whole number, or below nought.

    Examples
    --------
    >>> from mtasts_analysis import Limits
    >>> Limits(report_bytes=64 * 2**20).report_bytes
    67108864
    """

    report_bytes: int = 32 * MIB
    """A report, decoded. RFC 8460 §5.2 knows receivers that stop at 10 MB *compressed*."""
    mail_bytes: int = 40 * MIB
    """A mail, encoded: a 28 MiB attachment in base64."""
    header_bytes: int = 1 * MIB
    """A mail's or MIME part's header block."""
    field_bytes: int = 8 * KIB
    """One header field, unfolded; RFC 5322 §2.1.1 lines are at most 998 characters."""
    mime_depth: int = 20
    """Multiparts and forwarded mails inside each other; a quarter as many where each is nearly the whole mail."""
    mime_parts: int = 2_000
    """Parts in one mail."""
    layers: int = 6
    """Containers inside each other: zip of tar.gz of mbox of gzip is five. A gzip quine has no end."""
    nested_bytes: int = 512 * MIB
    """What the archives inside one mail or nested archive may inflate to, together."""
    nested_entries: int = 100_000
    """Members of an archive, or lines of JSON Lines, inside a mail or another archive."""
    expansion: int = 100
    """Output bytes per input byte of the compressed data that a unit of work reads, asked of what goes on to
    expand more, once all of it has given `expansion_from`."""
    expansion_from: int = 64 * MIB
    """Report text packs 5 to 60 times; deflate's own ceiling, which bombs reach, is 1032."""
    unpacked: int = 2 * 1024 * MIB
    """What compressed data may give in all, in a unit of work, asked of what expands more than 30 times."""
    odd: int = 128 * MIB
    """What reports that are not as RFC 8460 asks may unpack to in a unit of work, as far as they expand more than
    12 times; of broken JSON, which is read many times slower, every byte past its packed size counts as eight."""
    packed_items: int = 400_000
    """Items in compressed data, where it takes less than 64 bytes for each one more; mails, and the files of an
    archive, count as three."""
    items: int = 50_000
    """Items in compressed data that takes less than 16 bytes for each; members of a gzip or files in a zip of
    less than 128; and texts and lines of JSON of less than 256: no report is so small."""
    rows: int = 800_000
    """Reports, policies and failure details in a unit of work, where its data takes less than 20 bytes for each
    one more; those of a report that is not as RFC 8460 asks count twice, as 5 to 1,000 more."""
    names: int = 10_000
    """Different domain names outside ASCII in a unit of work: IDNA takes up to a millisecond for each."""
    openings: int = 10_000
    """How often a unit of work looks behind one thing for another and finds no report, or opens a container of less
    than 512 bytes in a container in another in a mail or member; from then on it looks behind each thing once, and
    into no such container, nor behind anything of less than 512 bytes."""
    wrappings: int = 5_000_000
    """Lists and objects of other JSON in which a unit of work looks for the reports that they are wrapped in."""
    json_values: int = 2_500_000
    """Values in one report: a Python object each, where the strict reader declines."""
    json_documents: int = 200_000
    """Documents in one JSON text that is not JSON Lines."""
    string_chars: int = 64 * KIB
    """A string in a report; a longer one is cut, with a problem."""
    notes: int = 100
    """Rows of `problems` from one report; what is past that is counted in one last row."""
    problem_bytes: int = 128 * MIB
    """Text in `problems`, from one load; what is past that is counted, a row for each code."""

    def __post_init__(self) -> None:
        for field in fields(self):
            given = arguments.number(field.name, getattr(self, field.name), 0, _MOST)
            object.__setattr__(self, field.name, given)


_MOST = 2**62
"""A file is asked for one byte more, by a signed 64-bit integer."""

DEFAULT = Limits()

NO_REPORT, NO_TEXT = 128, 256
"""Bytes: packed no report was seen below 150; what RFC 8460 §4.4 asks for takes more than 300 as text."""

COUNT_MAX = 2**63 - 1
"""A count is a signed 64-bit integer in Arrow, Parquet and every BI tool; RFC 8460 §4.4 sets none."""

YEARS = YEAR_MIN, YEAR_MAX = 1990, 2200
"""Dates outside are refused: nanosecond clocks end in 2262, and a day axis must not have a million days."""

DAYS_MOST = 36_525
"""A century: so long before the first of :data:`YEARS`, and behind the last, days have dates."""

CHUNK = 1 * MIB
"""How much is read from a file at a time."""

"""The two TXT records: `_mta-sts` (RFC 8461 §3.1) and `_smtp._tls` (RFC 8460 §3), by their grammars."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from mtasts_analysis.findings import Finding

_WSP = " \t"
_STS = "RFC 8461 §3.1"
_RPT = "RFC 8460 §3"
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
# sts-ext-name "=" sts-ext-value; RFC 8460 §3 has the same two rules under its own names.
_EXTENSION = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31})=([\x21-\x3a\x3c\x3e-\x7e]+)", re.ASCII)
_SHOWN = 300  # characters of a stranger's record in a finding
_PART = 100  # and of a part of it
_SEVERAL = 5  # records or faults that a finding tells
_TEXT = re.compile(r"[\t -~]*")  # printable US-ASCII and white space


@dataclass(frozen=True, slots=True)
class StsRecord:
    """A valid `_mta-sts` record."""

    text: str
    id: str
    extensions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TlsRptRecord:
    """A valid `_smtp._tls` record; `rua` in order, as written."""

    text: str
    rua: tuple[str, ...]
    extensions: tuple[tuple[str, str], ...] = ()


class _RecordError(ValueError):
    """What is wrong with a record, in a sentence."""


def read_sts(
    texts: Sequence[str], name: str = "_mta-sts.example.com", fresh_id: str = "20250108120000"
) -> tuple[StsRecord | None, list[Finding]]:
    """Read the TXT records at `_mta-sts` as a sender must (RFC 8461 §3.1).

    Parameters
    ----------
    texts
        Each record's strings, concatenated without spaces.
    name
        The DNS name, for the findings.
    fresh_id
        The id that a proposed record gets.

    Returns
    -------
    tuple
        The record, or None where a sender must assume that the domain has no MTA-STS; and findings.

    Examples
    --------
    >>> read_sts(["v=STSv1; id=20160831085700Z;"])[0].id
    '20160831085700Z'
    >>> read_sts(["v=STSv1; id=a", "v=STSv1; id=b"])[1][0].code
    'sts-record-several'
    """
    fix = f'{name}. IN TXT "v=STSv1; id={fresh_id};"'
    text, found = _choose(texts, "v=STSv1", "sts-record", name, fix, _STS)
    if text is None:
        return None, found
    try:
        ids, extensions = _sts_fields(text)
    except _RecordError as fault:
        kept = re.sub(r"[^A-Za-z0-9]", "", _after(text, "id="))[:32] or fresh_id
        action = f'{name}. IN TXT "v=STSv1; id={kept};"'
        evidence = f"{fault}: {_shown(text)}; a sender must assume that there is no MTA-STS policy"
        return None, [*found, Finding("sts-record-invalid", "error", name, evidence, action, _STS)]
    if len(ids) > 1:
        evidence = f"id= is given {len(ids)} times; the first, {ids[0]}, counts, and some senders refuse it"
        found.append(
            Finding(
                "sts-record-duplicate-id", "warning", name, evidence, fix, "RFC 8461 §3.2 (last ¶)"
            )
        )
    if not text.startswith("v=STSv1;"):
        evidence = (
            "white space before the first ';' is allowed by the grammar, but once a second TXT record stands"
            f" beside it, this one is discarded: {_shown(text)}"
        )
        found.append(Finding("sts-record-spaced", "warning", name, evidence, fix, _STS))
    return StsRecord(text, ids[0], extensions), found


def _sts_fields(text: str) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    fields = _fields(text, "v=STSv1")
    ids = [value for key, value in fields if key == "id"]
    if not ids:
        raise _RecordError("the required field id= is missing")
    if not _ID.fullmatch(ids[0]):
        raise _RecordError(
            f"id={ids[0][:_PART]!r} has {len(ids[0])} characters; allowed are 1 to 32 letters and digits,"
            " no '-', '_' or '.'"
        )
    # An id= after the first is ignored (§3.2), but its form must still be that of some field.
    for key, value in fields:
        if not _EXTENSION.fullmatch(f"{key}={value}"):
            raise _RecordError(
                f"{key[:_PART]}={value[:_PART]!r} is no name=value of printable characters"
            )
    return ids, tuple((key, value) for key, value in fields if key != "id")


def read_tlsrpt(
    texts: Sequence[str], name: str = "_smtp._tls.example.com", domain: str = "example.com"
) -> tuple[TlsRptRecord | None, list[Finding]]:
    """Read the TXT records at `_smtp._tls` (RFC 8460 §3).

    Parameters
    ----------
    texts
        Each record's strings, concatenated without spaces.
    name
        The DNS name, for the findings.
    domain
        The policy domain, to see whether reports come to the domain itself.

    Returns
    -------
    tuple
        The record, or None where it is not valid; and findings.

    Examples
    --------
    >>> read_tlsrpt(["v=TLSRPTv1; rua=mailto:a@x.example, https://x.example/v1"])[0].rua
    ('mailto:a@x.example', 'https://x.example/v1')
    """
    fix = f'{name}. IN TXT "v=TLSRPTv1; rua=mailto:tlsrpt@{domain}"'
    text, found = _choose(texts, "v=TLSRPTv1", "tlsrpt-record", name, fix, _RPT)
    if text is None:
        return None, found
    uris: list[str] = []
    extensions: list[tuple[str, str]] = []
    faults: list[str] = []
    meant: list[str] = []
    ruas = 0
    try:
        for key, value in _fields(text, "v=TLSRPTv1"):
            if key == "rua":
                ruas += 1
                # tlsrpt-uri *(*WSP "," *WSP tlsrpt-uri): space around commas, none after "rua=".
                first, *more = value.split(",")
                # The last one has none after it: that is the field delimiter's.
                for uri in (first.rstrip(_WSP), *(part.strip(_WSP) for part in more)):
                    fault = _uri_fault(uri)
                    if fault:
                        faults.append(fault)
                        meant += [] if _uri_fault(f"mailto:{uri}") else [f"mailto:{uri}"]
                    else:
                        uris.append(uri)
            elif _EXTENSION.fullmatch(f"{key}={value}"):
                extensions.append((key, value))
            else:
                faults.append(
                    f"{key[:_PART]}={value[:_PART]!r} is no name=value of printable characters"
                )
        if not ruas:
            faults.append("the required field rua= is missing (it is case-sensitive)")
    except _RecordError as fault:
        faults.append(str(fault))
    if faults:
        usable = ",".join([*uris, *meant]) or f"mailto:tlsrpt@{domain}"
        evidence = (
            "; ".join(faults[:_SEVERAL])
            + f": {_shown(text)}. "
            + (
                f"Lenient senders use what is left ({_shown(', '.join(uris))}), strict ones send no reports"
                if uris
                else "Nothing usable is left: no sender reports"
            )
        )
        action = f'{name}. IN TXT "v=TLSRPTv1; rua={usable}"'
        return None, [
            *found,
            Finding("tlsrpt-record-invalid", "error", name, evidence, action, _RPT),
        ]
    if ruas > 1:
        evidence = f"{ruas} rua= fields; the grammar allows it, but some senders refuse it or read only the first"
        action = f'{name}. IN TXT "v=TLSRPTv1; rua={",".join(uris)}"'
        found.append(Finding("tlsrpt-rua-repeated", "warning", name, evidence, action, _RPT))
    own = [u for u in uris if u.lower().startswith("mailto:") and _mail_domain(u) == domain.lower()]
    if own:
        evidence = (
            f"{_shown(own[0])} is at the domain itself; this works: senders must deliver reports despite"
            " TLS failures, but not when mail does not arrive at all"
        )
        found.append(Finding("tlsrpt-rua-own-domain", "info", name, evidence, "", "RFC 8460 §3"))
    return TlsRptRecord(text, tuple(uris), tuple(extensions)), found


def _choose(
    texts: Sequence[str], version: str, code: str, name: str, fix: str, reference: str
) -> tuple[str | None, list[Finding]]:
    """Pick the record: both RFCs discard, of several, what does not begin with the version and ';'."""
    kept = [t for t in texts if t.startswith(f"{version};")] if len(texts) != 1 else list(texts)
    dropped = [t for t in texts if t not in kept]
    if len(kept) == 1 and not _meant(kept[0], version):
        kept, dropped = [], kept
    found = []
    near = [t for t in dropped if _meant(t, version)]
    if len(kept) > 1:
        evidence = (
            f"{len(kept)} records begin with {version};: a sender must assume none: "
            + " | ".join(map(_shown, kept[:_SEVERAL]))
        )
        found.append(
            Finding(f"{code}-several", "error", name, evidence, f"keep one:\n{fix}", reference)
        )
    elif not kept and near:
        evidence = (
            f"does not begin with {version}; exactly (case and spaces count): {_shown(near[0])}"
        )
        found.append(Finding(f"{code}-invalid", "error", name, evidence, fix, reference))
    elif not kept:
        other = (
            f"{len(dropped)} other TXT records, none of them this" if dropped else "no TXT record"
        )
        found.append(Finding(f"{code}-missing", "warning", name, other, fix, reference))
    elif near:
        evidence = f"a record beside the valid one is discarded: {_shown(near[0])}"
        found.append(Finding(f"{code}-discarded", "info", name, evidence, "remove it", reference))
    return (kept[0] if len(kept) == 1 else None), found


def _meant(text: str, version: str) -> bool:
    """Tell whether a text is this kind of record, well or badly written: by how it begins, quotes and spaces aside.

    Not by what it holds: a wildcard's `v=spf1 include:hosts.example` has an `sts` in it, too.
    """
    head = re.sub(r"[^a-z0-9]", "", text.casefold())
    kind = version[2:-2].casefold()
    return head.startswith((f"v{kind}", kind, "mtasts" if kind == "sts" else "smtptls"))


def _fields(text: str, version: str) -> list[tuple[str, str]]:
    """Split a record: version 1*(field-delim field) [field-delim], field-delim = *WSP ";" *WSP."""
    if not _TEXT.fullmatch(text):
        raise _RecordError("a character outside of printable US-ASCII")
    head, *parts = text.split(";")
    if head.rstrip(_WSP) != version:
        raise _RecordError(f"must begin with {version} and ';', not {head[:_PART]!r}")
    if parts and not parts[-1].strip(_WSP):
        parts.pop()
    elif parts and parts[-1] != parts[-1].rstrip(_WSP):
        raise _RecordError("white space at the end, with no ';' before it")
    if not parts:
        raise _RecordError("no field follows the version")
    fields = []
    for part in parts:
        field = part.strip(_WSP)
        key, equals, value = field.partition("=")
        if not field:
            raise _RecordError("an empty field (';;')")
        if not equals or key != key.strip(_WSP) or not key:
            raise _RecordError(f"{field[:_PART]!r} is no name=value without spaces around '='")
        fields.append((key, value))
    return fields


# addr-spec as RFC 6068 §2 takes it: dot-atom-text or a quoted string; percent-encoded is what
# stands in no URI, and '/'; not '&' and '=', of which erratum 7919 takes it back.
_CHAR = r"(?:[A-Za-z0-9$&'*+=_~-]|%[0-9A-Fa-f]{2})"
_LOCAL = re.compile(rf"{_CHAR}+(?:\.{_CHAR}+)*|%22(?:{_CHAR}|\.)*%22")
_HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_URI_CHARS = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@$&'()*+=-]|%[0-9A-Fa-f]{2})+")


def _uri_fault(uri: str) -> str:
    """Say what keeps a URI from being a rua: RFC 3986, mailto (RFC 6068) or https, '!' ',' ';' encoded."""
    said = repr(uri[:_PART])
    if not uri:
        return "an empty URI in rua="
    if "!" in uri:
        return f"{said}: '!' must be written %21"
    if not _URI_CHARS.fullmatch(uri) or uri.count("#") > 1:
        return f"{said}: a space or character that a URI cannot hold"
    scheme, colon, rest = uri.partition(":")
    if not colon and "@" in uri:
        return f"{said}: a mail address needs mailto: before it"
    if scheme.lower() == "mailto":
        address, _, _headers = rest.partition("?")
        local, at, host = address.rpartition("@")
        if at and "/" in local:
            return f"{said}: '/' in a mail address must be written %2F"
        if not at or not _LOCAL.fullmatch(local) or not _HOST.fullmatch(host):
            return f"{said}: expected mailto:name@domain (a comma in it is written %2C, a semicolon %3B)"
        return ""
    if scheme.lower() == "https":
        try:
            parts = urlsplit(uri)
            good = bool(parts.hostname) and (parts.port is None or parts.port > 0)
            # RFC 3986 §3.2.2: brackets stand around an IP literal, and nowhere else.
            good = good and not set("[]") & set(parts.path + parts.query + parts.fragment)
        except ValueError:
            good = False
        return "" if good and rest.startswith("//") else f"{said}: expected https://host/path"
    return f"{said}: the scheme must be mailto or https"


def _mail_domain(uri: str) -> str:
    return unquote(uri.partition(":")[2].partition("?")[0]).rpartition("@")[2].lower()


def _after(text: str, mark: str) -> str:
    return text.partition(mark)[2].partition(";")[0]


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")

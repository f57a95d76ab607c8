"""The verdict on a report mail's DKIM signature, on request.

RFC 8460 §3: a report mail MUST be signed by the reporting domain, without `l=`, and one that is not
MUST be ignored. Archives hold mail whose keys were rotated away long ago, so nothing is dropped here:
the verdict is a column, and what to make of it the analyst's choice.
"""

import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from enum import StrEnum
from typing import Protocol

from msgspec.structs import replace

from mtasts_analysis.archive.items import Item
from mtasts_analysis.archive.mail import Facts
from mtasts_analysis.errors import InputError, MissingExtraError


class Verdict(StrEnum):
    """What can be said of a mail's signatures; the best one speaks for the mail, in this order."""

    PASS = "pass"  # noqa: S105  # no password
    EXPIRED = "expired-at-receipt"
    L_TAG = "l-tag"
    MISALIGNED = "misaligned"
    NOT_CHECKED = "not-checked"
    NO_KEY = "no-key"
    FAIL = "fail"
    NO_SIGNATURE = "no-signature"


_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}
_SIGNATURES_MOST = 10
_MAIL_MOST = 16 * 2**20
_SIGNATURE = re.compile(rb"^dkim-signature[ \t]*:(.*(?:\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)
_TAG = re.compile(r"(?:^|;)\s*([a-z]+)\s*=\s*([^;]*)", re.IGNORECASE)
_SPACES = re.compile(rb"[ \t]{500,}")
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)


class TemporaryError(Exception):
    """DNS failed: nothing is known of the key, least of all that there is none."""


class KeySource(Protocol):
    """Where keys come from."""

    def __call__(self, name: str) -> bytes | None:
        """Give the TXT record at a name, None where there is none; TemporaryError where DNS failed."""


def verify(mail: bytes, facts: Facts, keys: KeySource) -> Verdict:
    """Judge a mail's signatures.

    Parameters
    ----------
    mail
        The mail as it was received, without an mbox separator.
    facts
        What its header says; `x=` is judged at its date, for Google's signatures live a week.
    keys
        Where keys come from.

    Returns
    -------
    Verdict
        The best verdict of any of its signatures.
    """
    found = _signatures(mail)
    if not found:
        return Verdict.NO_SIGNATURE
    if len(mail) > _MAIL_MOST or _SPACES.search(mail):
        # dkimpy takes time quadratic in a run of spaces; no report has one.
        return Verdict.NOT_CHECKED
    verdicts = [_signature(mail, at, _tags(value), facts, keys) for at, value in enumerate(found)]
    return min(verdicts, key=_RANK.__getitem__)


def _signatures(mail: bytes) -> list[bytes]:
    end = mail.find(b"\n\n")
    internet = mail.find(b"\n\r\n")
    head = mail[: min((at for at in (end, internet) if at >= 0), default=len(mail)) + 1]
    return _SIGNATURE.findall(head)[:_SIGNATURES_MOST]


def _key_name(tags: dict[str, str]) -> str:
    return f"{tags['s'].lower()}._domainkey.{tags['d'].lower().rstrip('.')}."


def _tags(value: bytes) -> dict[str, str]:
    text = re.sub(r"\s+", "", value.decode("ascii", "replace"))
    return {name.lower(): given for name, given in reversed(_TAG.findall(text))}


def _signature(
    mail: bytes, at: int, tags: dict[str, str], facts: Facts, keys: KeySource
) -> Verdict:
    useless = _useless(tags, facts)
    if useless is not None:
        return useless
    try:
        record = keys(_key_name(tags))
    except TemporaryError:
        return Verdict.NOT_CHECKED
    key = None if record is None else _key(record)
    if key is None:
        return Verdict.NO_KEY
    expires = tags.get("x", "")
    if (
        facts.received is not None
        and re.fullmatch("[0-9]{1,14}", expires)
        and facts.received > int(expires) * 1_000_000
    ):
        return Verdict.EXPIRED  # RFC 6376 §3.5, judged when the mail came, not today
    passed = _passes(mail, at, key)
    if not passed and _QUOTED.search(mail):
        # An mbox writer put `>` before a line that begins `From `, which breaks the body's hash.
        passed = _passes(_QUOTED.sub(rb"\1", mail), at, key)
    return Verdict.PASS if passed else Verdict.FAIL


def _useless(tags: dict[str, str], facts: Facts) -> Verdict | None:
    """Give the verdict on a signature whose key need not be asked for; None for any other."""
    if "l" in tags:
        return Verdict.L_TAG  # RFC 8460 §3: MUST NOT
    signer = tags.get("d", "").lower().rstrip(".")
    if not _aligned(signer, (facts.header_from or "").rpartition("@")[2].lower()):
        return Verdict.MISALIGNED  # §3: "by the reporting domain"
    return None if tags.get("s") else Verdict.FAIL


def _aligned(signer: str, sender: str) -> bool:
    """Tell whether two domains are one organization's: equal, or one within the other.

    Without a list of public suffixes the shorter must have two labels at least.
    """
    if not signer or not sender:
        return False
    short, long = sorted((signer, sender), key=len)
    return short == long or (short.count(".") >= 1 and long.endswith("." + short))


def _key(record: bytes) -> bytes | None:
    """Give a key record as dkimpy takes it, or None where it is none, revoked, or for other services."""
    tags = _tags(record)
    if not tags.get("p"):
        return None  # RFC 6376 §3.6.1: an empty p is a revoked key
    services = {service.lower() for service in tags.get("s", "*").split(":")}
    # RFC 8460 §3 SHOULD contain s=tlsrpt, and receivers MAY ignore reports without: most sign with
    # their mail key. dkimpy declines lists of services, so the judged record goes without.
    if not services & {"*", "tlsrpt", "email"}:
        return None
    kept = [f"{name}={tags[name]}" for name in ("k", "h", "t", "p") if name in tags]
    return ";".join(["v=DKIM1", *kept]).encode()


def _passes(mail: bytes, at: int, key: bytes) -> bool:
    import dkim  # noqa: PLC0415  # an extra

    # dkimpy judges x= by today's clock: it is judged above, so the check is taken out, for one thread at a time.
    verifier = dkim.DKIM(mail, minkey=1024)
    with _ALONE:
        checked = dkim.validate_signature_fields
        try:
            dkim.validate_signature_fields = _without_expiry(checked)
            return bool(verifier.verify(at, dnsfunc=lambda *_a, **_k: key))
        except Exception:  # noqa: BLE001  # a stranger's mail meets a parser that is not ours
            return False
        finally:
            dkim.validate_signature_fields = checked


_ALONE = threading.Lock()


def _without_expiry(checked: Callable[..., object]) -> Callable[..., object]:
    def check(sig: dict[bytes, bytes], *rest: object, **named: object) -> object:
        return checked({name: value for name, value in sig.items() if name != b"x"}, *rest, **named)

    return check


class DnsKeys:
    """Keys from live DNS: each name is asked once, several at a time, with a deadline.

    No more names are asked than `most`: whoever can send mail could else make this a tool for sending
    queries. What is past that is a :class:`TemporaryError`. A load asks by unit of work: one process all it
    reads, several workers 16 MiB each.
    """

    def __init__(
        self,
        resolver: object | None = None,
        *,
        deadline: float = 10.0,
        at_once: int = 16,
        most: int = 2_000,
    ) -> None:
        from dns.resolver import NoResolverConfiguration, Resolver  # noqa: PLC0415  # loaded where DNS is asked for

        try:
            chosen = resolver if resolver is not None else Resolver()
        except NoResolverConfiguration as error:
            raise InputError(
                "dkim: expected a resolver in the system's configuration, to ask for keys; there is none"
            ) from error
        assert isinstance(chosen, Resolver)
        self._resolver = chosen
        self._deadline = deadline
        self._most = most
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="dkim")
        self._asked: dict[str, Future[bytes | None]] = {}

    def ask(self, name: str) -> None:
        """Begin to ask for a name."""
        if name not in self._asked and len(self._asked) < self._most:
            self._asked[name] = self._pool.submit(self._answer, name)

    def __call__(self, name: str) -> bytes | None:
        """Give the TXT record at a name; see :class:`KeySource`."""
        self.ask(name)
        asked = self._asked.get(name)
        if asked is None:
            raise TemporaryError(f"{self._most} names were asked for: no more")
        return asked.result()

    def close(self) -> None:
        """Ask for nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _answer(self, name: str) -> bytes | None:
        import dns.exception  # noqa: PLC0415
        import dns.resolver  # noqa: PLC0415

        try:
            answer = self._resolver.resolve(name, "TXT", lifetime=self._deadline, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return None
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise TemporaryError(str(error)) from error
        # RFC 6376 §3.6.2.2: the strings of a record are joined; several records are undefined.
        return next((b"".join(r.strings)[:8192] for r in answer), None)


class Judge:
    """Judges report mails while they are loaded, the keys of the mails ahead already asked for.

    Parameters
    ----------
    keys
        Where keys come from; by default live DNS.

    Raises
    ------
    MissingExtraError
        The extra `dkim` is not installed.
    """

    def __init__(self, keys: KeySource | None = None) -> None:
        try:
            import dkim  # noqa: F401, PLC0415  # an extra
        except ImportError:
            raise MissingExtraError("verifying DKIM signatures", "dkim") from None
        self._keys = keys or DnsKeys()
        self._held: dict[str, tuple[bytes, Facts]] = {}
        self._bytes = self._mails = 0
        self._last = ("", "")

    def __call__(self, mail: bytes, facts: Facts) -> str:
        """Take a mail in; what it gives stands for the verdict until :meth:`judged` puts it there."""
        if isinstance(self._keys, DnsKeys):
            for value in _signatures(mail):
                tags = _tags(value)
                if _useless(tags, facts) is None:
                    self._keys.ask(_key_name(tags))
        self._mails += 1
        self._bytes += len(mail)
        token = f"mail {self._mails}"
        self._held[token] = mail, facts
        return token

    def judged(self, items: Iterable[Item]) -> Iterator[Item]:
        """Give the items with their verdicts, in order, reading a little ahead."""
        ahead: deque[Item] = deque()
        try:
            for item in items:
                ahead.append(item)
                while ahead and (len(ahead) > _AHEAD or self._bytes > _HELD_MOST):
                    yield self._with_verdict(ahead.popleft())
            yield from map(self._with_verdict, ahead)
        finally:
            if isinstance(self._keys, DnsKeys):
                self._keys.close()

    def _with_verdict(self, item: Item) -> Item:
        token = item.facts.dkim
        if token in self._held:
            mail, facts = self._held.pop(token)
            self._bytes -= len(mail)
            self._last = token, str(verify(mail, facts, self._keys))
        # The reports of one mail come in a row.
        if token != self._last[0]:
            return item
        return replace(item, facts=replace(item.facts, dkim=self._last[1]))


_AHEAD = 256
"""Items read ahead while keys are asked for."""
_HELD_MOST = 32 * 2**20
"""Bytes of mail held meanwhile."""

__all__ = ["DnsKeys", "Judge", "KeySource", "TemporaryError", "Verdict", "verify"]

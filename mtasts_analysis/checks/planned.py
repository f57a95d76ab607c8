"""A certificate before it is deployed (the guide: test certificate changes): would senders take it?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from mtasts_analysis.checks.certificates import (
    Certificate,
    Presented,
    judge,
    load,
    names_match,
    read_certificate,
)
from mtasts_analysis.checks.dane import compare, judge_dane, look_up, proposal
from mtasts_analysis.checks.domain import Run
from mtasts_analysis.checks.mx import mx_hosts
from mtasts_analysis.errors import InputError
from mtasts_analysis.findings import Finding, worst_first

_PEM_MOST = 1 << 20


@dataclass(frozen=True, slots=True)
class CertificateCheck:
    """What senders will make of a certificate."""

    domain: str
    hosts: tuple[str, ...]
    """For which it was judged."""
    certificate: Certificate
    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        said = "\n".join(map(str, self.findings)) or "nothing to do"
        return f"{self.certificate.subject or 'no subject'} for {', '.join(self.hosts)}\n{said}"


def read_pem(pem: bytes, source: str = "the text given") -> list[bytes]:
    """Read a chain, the leaf first; a private key beside it is passed over.

    Parameters
    ----------
    pem
        The text.
    source
        Where it stands, for the message.

    Raises
    ------
    InputError
        There is no certificate in it, or one that cannot be read.
    """
    try:
        made = x509.load_pem_x509_certificates(pem[:_PEM_MOST])
        ders = [c.public_bytes(Encoding.DER) for c in made]
        for der in ders:  # its extensions are parsed only now
            read_certificate(der)
    except (ValueError, x509.InvalidVersion) as error:
        raise InputError(
            "pem: expected certificates between BEGIN CERTIFICATE and END CERTIFICATE lines, the leaf"
            f" first, as in fullchain.pem; {source}: {error}"
        ) from error
    return ders


async def judge_planned(
    run: Run, ders: Sequence[bytes], domain: str, hosts: Sequence[str] | None
) -> CertificateCheck:
    """Judge a chain for the hosts of a domain.

    Parameters
    ----------
    run
        Resolver and trusted CAs.
    ders
        The chain, the leaf first.
    domain
        In A-labels.
    hosts
        For which hosts; by default those MX hosts of the domain, and its policy host, that it names, or all of them
        if it names none.
    """
    found: list[Finding] = []
    leaf = read_certificate(ders[0])
    answer, mx, mx_found = await mx_hosts(run.asker, domain, run.config)
    found += [f for f in mx_found if f.severity == "unknown"]
    if hosts is None:
        theirs = [m.host for m in mx] + [f"mta-sts.{domain}"]
        hosts = [h for h in theirs if names_match(leaf.names, h)] or theirs
        left = [h for h in theirs if h not in hosts]
        if left:
            evidence = f"names {', '.join(hosts)}; not {', '.join(left)}, which need certificates of their own"
            found.append(
                Finding("certificate-covers", "info", domain, evidence, "", "RFC 8461 §3.3, §4.2")
            )
    presented = _verified(run, ders, leaf)
    if presented.trusted is None:
        evidence = (
            "the trusted CAs here cannot be listed, so whether the chain leads to one is not known"
        )
        action = "name them: CheckConfig(ca_file='/etc/ssl/certs/ca-certificates.crt')"
        found.append(
            Finding(
                "certificate-trust-unknown",
                "unknown",
                domain,
                evidence,
                action,
                "RFC 8461 §3.3, §4.2",
            )
        )
    for host in hosts:
        web = host == f"mta-sts.{domain}"  # HTTPS, not SMTP: as `fetch` judges it
        found += judge(
            presented,
            host,
            host,
            prefix="policy-host-" if web else "",
            reference="RFC 8461 §3.3" if web else "RFC 8461 §4.2",
            expiry_days=run.config.expiry_days,
        )
    for m in mx:
        if m.host in hosts and m.addresses:
            base, tlsa, vouched = await look_up(
                run.asker, m.host, await run.asker.addresses(m.host)
            )
            names = [base, *([domain] if answer.secure else [])]  # RFC 7672 §3.2.2
            dane = compare(base, tlsa, vouched, ders, names)
            validates = await run.asker.validates()
            found += judge_dane(dane, m.host, answer.secure, validates, proposal(base, ders[0]))
    return CertificateCheck(domain, tuple(hosts), leaf, worst_first(found))


def _verified(run: Run, ders: Sequence[bytes], leaf: Certificate) -> Presented:
    """Ask for the chain's trust without a server: names and dates are judged apart."""
    roots = [load(d) for d in run.trust.strict.get_ca_certs(binary_form=True)]
    chain = tuple(read_certificate(d) for d in ders)
    now = datetime.now(UTC)
    if not roots:
        # A store that OpenSSL reads certificate by certificate, as it needs them, cannot be listed.
        return Presented("", "", chain, verified=True, trusted=None)
    made = [load(d) for d in ders]
    # Lax, as mail servers are: chain, CA flag and strength; the server's own extensions are its affair.
    lax = ExtensionPolicy.permit_all()
    verifier = (
        PolicyBuilder()
        .store(Store(roots))
        .time(max(leaf.not_before, min(now, leaf.not_after)))
        .extension_policies(
            ca_policy=lax.require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None),
            ee_policy=lax,
        )
        .build_client_verifier()
    )
    dated = leaf.not_before <= now <= leaf.not_after
    try:
        verifier.verify(made[0], made[1:])
    except VerificationError as error:
        said = " ".join(str(error).split())[:200]
        return Presented("", "", chain, verified=False, trusted=False, verify_code=20, said=said)
    return Presented("", "", chain, verified=dated, trusted=True)

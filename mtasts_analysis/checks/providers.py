"""Which provider runs a domain's MX hosts, told by their names, and what its policy must then cover.

The patterns follow from the MX names themselves and RFC 8461 §4.1 (`*` is one label). Google's wildcard as the
guide prints it, `*.google.com`, does not match `aspmx.l.google.com` and is not copied.
"""

from dataclasses import dataclass

from mtasts_analysis.names import mx_matches


@dataclass(frozen=True, slots=True)
class Provider:
    """A mail provider, known by the names of its MX hosts."""

    name: str
    hosts: tuple[str, ...]
    """Patterns of its MX hosts: a host that matches one is the provider's."""
    wildcards: bool = True
    """Each customer has an MX name of its own, so that a wildcard is as narrow as the provider allows."""

    def runs(self, host: str) -> bool:
        """Tell whether an MX host is this provider's."""
        return any(mx_matches(host, pattern) for pattern in self.hosts)

    def lines(self, host: str) -> str:
        """Give the pattern that a policy needs for an MX host."""
        return next(p for p in self.hosts if mx_matches(host, p))


PROVIDERS = (
    Provider(
        "Google Workspace",
        (
            "smtp.google.com",
            "aspmx.l.google.com",
            "alt1.aspmx.l.google.com",
            "alt2.aspmx.l.google.com",
            "alt3.aspmx.l.google.com",
            "alt4.aspmx.l.google.com",
            "aspmx2.googlemail.com",
            "aspmx3.googlemail.com",
            "aspmx4.googlemail.com",
            "aspmx5.googlemail.com",
        ),
        wildcards=False,
    ),
    Provider(
        "Gmail", ("gmail-smtp-in.l.google.com", "*.gmail-smtp-in.l.google.com"), wildcards=False
    ),
    # The second form is given to domains with DNSSEC and DANE inbound: name.o-v1.mx.microsoft.
    Provider(
        "Microsoft 365",
        (
            "*.mail.protection.outlook.com",
            "*.mx.microsoft",
            "*.o-v1.mx.microsoft",
            "*.i-v1.mx.microsoft",
        ),
    ),
    Provider("Outlook.com", ("*.olc.protection.outlook.com",)),
    Provider("Proofpoint", ("*.pphosted.com", "*.gslb.pphosted.com", "*.ppe-hosted.com")),
    Provider("Mimecast", ("*.mimecast.com", "*.mimecast.co.za", "*.mimecast-offshore.com")),
    Provider(
        "Barracuda",
        (
            "*.ess.barracudanetworks.com",
            "*.ess.de.barracudanetworks.com",
            "*.ess.uk.barracudanetworks.com",
        ),
    ),
    # Not here: providers whose hosts carry the customer in the second label (mx1.CUSTOMER.iphmx.com). `*` is
    # the first label only, so no pattern covers them: name the hosts.
    Provider("Cloudflare Email Routing", ("*.mx.cloudflare.net",), wildcards=False),
    Provider(
        "Fastmail",
        ("in1-smtp.messagingengine.com", "in2-smtp.messagingengine.com"),
        wildcards=False,
    ),
    Provider("Proton Mail", ("mail.protonmail.ch", "mailsec.protonmail.ch"), wildcards=False),
    Provider(
        "Zoho Mail",
        ("mx.zoho.com", "mx2.zoho.com", "mx3.zoho.com", "mx.zoho.eu", "mx2.zoho.eu", "mx3.zoho.eu"),
        wildcards=False,
    ),
    Provider("Yandex", ("mx.yandex.net", "mx.yandex.ru"), wildcards=False),
    Provider(
        "mailbox.org",
        ("mxext1.mailbox.org", "mxext2.mailbox.org", "mxext3.mailbox.org"),
        wildcards=False,
    ),
    Provider("Migadu", ("aspmx1.migadu.com", "aspmx2.migadu.com"), wildcards=False),
    Provider("iCloud Mail", ("mx01.mail.icloud.com", "mx02.mail.icloud.com"), wildcards=False),
)


def provider_of(host: str) -> Provider | None:
    """Name the provider of an MX host.

    Examples
    --------
    >>> provider_of("contoso-com.mail.protection.outlook.com").name
    'Microsoft 365'
    >>> provider_of("mail.example.com") is None
    True
    """
    return next((p for p in PROVIDERS if p.runs(host)), None)

"""The figures of every real report in ../shared/samples, as a person reads them there."""

from typing import NamedTuple

import pytest

import mtasts_analysis as ma
from tests.conftest import SHARED

SAMPLES = SHARED / "samples"
pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(),
    reason="the real samples are not part of the project: ../shared/samples is absent",
)


class P(NamedTuple):
    """A policy's result: type, recipient domain, mode, sessions, and its details (type, count)."""

    type: str
    domain: str | None
    mode: str | None
    successful: int
    failed: int
    details: tuple[tuple[str, int], ...] = ()


class R(NamedTuple):
    """A report: organization, report-id, start, end (UTC), policies and deviations."""

    organization: str
    report_id: str
    start: str
    end: str
    policies: tuple[P, ...]
    deviations: tuple[str, ...] = ()


RFC = R(
    "Company-X",
    "5065427c-23d3-47ca-b6e0-946ea0e8c4be",
    "2016-04-01 00:00:00",
    "2016-04-01 23:59:59",
    (
        P(
            "sts",
            "company-y.example",
            "testing",
            5326,
            303,
            (
                ("certificate-expired", 100),
                ("starttls-not-supported", 200),
                ("validation-failure", 3),
            ),
        ),
    ),
)
FETCH3 = (("sts-policy-fetch-error", 3),)
EXPECTED = {
    "cry-inc+dmarc-report-viewer/google.json": R(
        "Google Inc.", "2025-05-22T00:00:00Z_foo-bar.io", "2025-05-22 00:00:00", "2025-05-22 23:59:59",
        (P("sts", "foo-bar.io", "enforce", 1, 0),),
    ),
    "cry-inc+dmarc-report-viewer/microsoft.json": R(
        "Microsoft Corporation", "133925885310113267+random.net", "2025-05-23 00:00:00", "2025-05-23 23:59:59",
        (P("sts", "random.net", "enforce", 2, 0), P("tlsa", "random.net", None, 2, 0)),
        ("policy-string-double-encoded",),
    ),
    "cry-inc+dmarc-report-viewer/no-contact.json": R(
        "server.com", "123_456", "2026-01-11 00:00:00", "2026-01-12 00:00:00",
        (P("sts", "server.com", "enforce", 1, 0),), ("contact-info-null", "mx-host-prefix"),
    ),
    "cry-inc+dmarc-report-viewer/no-policy.json": R(
        "Google Inc.", "2025-03-27T00:00:00Z_foo-bar.io", "2025-03-27 00:00:00", "2025-03-27 23:59:59",
        (P("no-policy-found", "foo-bar.io", None, 1, 0),),
    ),
    "cry-inc+dmarc-report-viewer/no_ip_and_mx.json": R(
        "Microsoft Corporation", "1234567890+", "2025-06-14 00:00:00", "2025-06-14 23:59:59",
        (P("sts", "xxxxxxxx.xx", None, 0, 3, FETCH3),),
    ),
    "cry-inc+dmarc-report-viewer/rfc-example.json": RFC,
    "domainaware+parsedmarc/google.com_smtp_tls_report.eml": R(
        "Google Inc.", "2024-09-03T00:00:00Z_cardinalhealth.ca", "2024-09-03 00:00:00", "2024-09-03 23:59:59",
        (P("no-policy-found", "cardinalhealth.ca", None, 48, 0),),
    ),
    # Two details of one session each, one failed session in all: kept as it is (RFC 8460 §4).
    "domainaware+parsedmarc/mail.ru.json": R(
        "Mail.ru", "b28254de-7b2e-be36-bb5c-4c3b92da8b25@mail.ru", "2024-02-22 00:00:00", "2024-02-23 00:00:00",
        (P("sts", "example.com", None, 0, 1, (("sts-policy-fetch-error", 1),) * 2),),
    ),
    "domainaware+parsedmarc/rfc8460.json": RFC,
    "domainaware+parsedmarc/smtp_tls.json": R(
        "Example Inc.", "2024-01-09T00:00:00Z_example.com", "2024-01-09 00:00:00", "2024-01-09 23:59:59",
        (P("sts", "example.com", "testing", 0, 3, (("validation-failure", 2), ("validation-failure", 1))),),
    ),
    "isseis+tlsrpt-digest/tlsrpt_failure.eml": R(
        "Google Inc.", "2026-02-08T00:00:00Z_example.com", "2026-02-08 00:00:00", "2026-02-09 00:00:00",
        (P("sts", "example.com", "enforce", 4523, 2, (("certificate-expired", 2),)),),
    ),
    "isseis+tlsrpt-digest/tlsrpt_success_google_1.eml": R(
        "Google Inc.", "2026-05-11T00:00:00Z_example.com", "2026-05-11 00:00:00", "2026-05-11 23:59:59",
        (P("sts", "example.com", "enforce", 1, 0),),
    ),
    "isseis+tlsrpt-digest/tlsrpt_success_google_2.eml": R(
        "Google Inc.", "2026-05-12T00:00:00Z_example.com", "2026-05-12 00:00:00", "2026-05-12 23:59:59",
        (P("sts", "example.com", "enforce", 4, 0),),
    ),
    "isseis+tlsrpt-digest/tlsrpt_success_microsoft.eml": R(
        "Microsoft Corporation", "134232617934286362+example.com", "2026-05-13 00:00:00", "2026-05-13 23:59:59",
        (P("sts", "example.com", "enforce", 2, 0),),
    ),
    "issues/dmarc-report-viewer-57_microsoft_no-mta-ip.json": R(
        "Microsoft Corporation", "133944884956529435+", "2025-06-14 00:00:00", "2025-06-14 23:59:59",
        (P("sts", "xxxxxxxx.xx", None, 0, 3, FETCH3),),
    ),
    "issues/dmarc-report-viewer-71_refluxstop_contact-null.json": R(
        "refluxstop.de", "1768089600_5665667737528564296", "2026-01-11 00:00:00", "2026-01-12 00:00:00",
        (P("sts", "hin.ch", "enforce", 1, 0),), ("contact-info-null",),
    ),
    "issues/parsedmarc-575_egressif_contact-null.json": R(
        "mx.egressif.io", "1730332800_11732957880687192466", "2024-10-31 00:00:00", "2024-11-01 00:00:00",
        (P("no-policy-found", "redacted.example.com", None, 1, 0),), ("contact-info-null",),
    ),
    "issues/tlsrpt-reporter-51_postfix_no-policy-domain.json": R(
        "sonne.floppy.org", "2025-09-20T00:00:00Z_idx1_mpi-klsb.mpg.de", "2025-09-20 00:00:00",
        "2025-09-20 23:59:59", (P("no-policy-found", None, None, 1, 0),), ("policy-domain-missing",),
    ),
    "kravietz+tlsrpt-rs/empty.eml": None,
    "kravietz+tlsrpt-rs/google1.eml": R(
        "Google Inc.", "2024-09-15T00:00:00Z_krvtz.net", "2024-09-15 00:00:00", "2024-09-15 23:59:59",
        (P("sts", "krvtz.net", "enforce", 1, 0),),
    ),
    "kravietz+tlsrpt-rs/google2.eml": R(
        "Google Inc.", "2024-09-18T00:00:00Z_krvtz.net", "2024-09-18 00:00:00", "2024-09-18 23:59:59",
        (P("sts", "krvtz.net", "enforce", 2, 0),),
    ),
    "kravietz+tlsrpt-rs/mail.ru.eml": (
        MAIL_RU := R(
            "Mail.ru", "c96d67df-0440-57f7-6e96-c83824d0fdf2@mail.ru", "2023-01-25 00:00:00",
            "2023-01-26 00:00:00", (P("sts", "krvtz.net", None, 0, 1, (("sts-policy-fetch-error", 1),)),),
        )
    ),
    "kravietz+tlsrpt-rs/mail.ru.json": MAIL_RU,
    "kravietz+tlsrpt-rs/microsoft1.eml": R(
        "Microsoft Corporation", "133708152202987951+krvtz.net", "2024-09-13 00:00:00", "2024-09-13 23:59:59",
        (P("sts", "krvtz.net", "enforce", 2, 0), P("tlsa", "krvtz.net", None, 2, 0)),
        ("policy-string-double-encoded",),
    ),
    "kravietz+tlsrpt-rs/rfc8460.json": RFC,
    "nixis-de+tls-rpt-monitor/tls-rpt.json": RFC,
    "phi-ag+mta-sts-exporter/google.json": R(
        "Google Inc.", "2024-02-17T00:00:00Z_example.com", "2024-02-17 00:00:00", "2024-02-17 23:59:59",
        (P("sts", "example.com", "enforce", 53, 0),),
    ),
    "phi-ag+mta-sts-exporter/microsoft-2.json": R(
        "Microsoft Corporation", "133561180919336230+example.com", "2024-03-26 00:00:00", "2024-03-26 23:59:59",
        (P("sts", "example.com", "enforce", 7, 0),), ("date-without-zone",),
    ),
    "phi-ag+mta-sts-exporter/microsoft.json": R(
        "Microsoft Corporation", "133526718584528772+example.com", "2024-02-16 00:00:00", "2024-02-16 23:59:59",
        (P("sts", "example.com", "enforce", 18, 0),),
    ),
    "phi-ag+mta-sts-exporter/rfc-errata-6241.json": RFC,
    "phi-ag+mta-sts-exporter/rfc.json": RFC,
}  # fmt: skip


def test_every_sample_is_expected(record_property):
    found = {
        str(p.relative_to(SAMPLES)) for p in SAMPLES.rglob("*") if p.suffix in (".json", ".eml")
    }
    record_property("samples read", len(found))
    assert found == set(EXPECTED)


@pytest.mark.parametrize("file", EXPECTED)
def test_figures(file):
    expected = EXPECTED[file]
    data = ma.load(SAMPLES / file)
    if expected is None:
        assert (data.accounting.reports, data.accounting.not_reports) == (0, 1)
        return
    assert data.accounting.items == data.accounting.reports == 1
    row = data.reports.iloc[0]
    policies = []
    for policy in data.policies.itertuples():
        mine = data.failures[data.failures["policy_key"] == policy.policy_key]
        policies.append(
            P(
                policy.policy_type,
                policy.domain if isinstance(policy.domain, str) else None,
                policy.mode if isinstance(policy.mode, str) else None,
                policy.total_successful_session_count,
                policy.total_failure_session_count,
                tuple(zip(mine["result_type"], mine["failed_session_count"], strict=True)),
            )
        )
    codes = data.problems[data.problems["severity"] == "deviation"]["code"].unique()
    assert (
        R(
            row["organization_name"],
            row["report_id"],
            f"{row['start']:%F %T}",
            f"{row['end']:%F %T}",
            tuple(policies),
            tuple(sorted(codes)),
        )
        == expected
    )


def test_mail_headers_reach_the_table():
    row = ma.load(SAMPLES / "kravietz+tlsrpt-rs/mail.ru.eml").reports.iloc[0]
    assert f"{row['received']:%F %T}" == "2023-01-26 00:10:38"  # 03:10:38 +0300
    assert row["report_domain"] == "krvtz.net"
    assert row["submitter"] == "mail.ru"
    assert row["message_id"] == "<c96d67df-0440-57f7-6e96-c83824d0fdf2@mail.ru>"
    assert row["header_from"] == "noreply-smtp-tls-reporting@corp.mail.ru"


def test_the_whole_folder_adds_up():
    data = ma.load(SAMPLES)
    account = data.accounting
    # 31 samples and MANIFEST.tsv. mail.ru.json is mail.ru.eml's report; the RFC's example stands there
    # six times in three wordings of additional-information: two copies, one copy and none.
    assert account.items == 32
    assert account.duplicates == 4
    assert account.conflicts == 2
    assert account.not_reports_by_kind == {"mail": 1, "other-file": 1}
    assert account.rejected == 0
    assert account.reports == 32 - 4 - 2
    # By hand, over the 26 reports kept: three RFC examples of 303 failed sessions each, and
    # 3 + 3 (fetch errors) + 1 (Mail.ru 2024) + 3 (Example Inc.) + 2 (certificate) + 1 (Mail.ru 2023).
    assert int(data.policies["total_failure_session_count"].sum()) == 3 * 303 + 13

"""Who hands tables on may leave addresses out; nothing is logged; the lab keeps its token."""

import ast

import pyarrow.parquet as pq
import pytest

import mtasts_analysis as ma
from mtasts_analysis import cli
from mtasts_analysis.archive.redaction import redacted
from tests.archive.building import mail, mbox, packed, report, text
from tests.conftest import ROOT

SECRETS = (
    "198.51.100.1",
    "192.0.2.1",
    "tls@a.example",
    "2001:db8::7",
    "postmaster@",
    "1@a.example",
)


def archive():
    import json

    made = report(1)
    detail = made["policies"][0]["failure-details"][0]
    detail["receiving-ip"] = "2001:db8::7"
    detail["additional-information"] = "ask postmaster@d.example, or [192.0.2.1]"
    return mbox([mail(packed()), mail(json.dumps(made).encode(), media="application/tlsrpt+json")])


def everything(folder):
    """All that is written, unpacked."""
    found = ""
    for path in folder.iterdir():
        if path.suffix == ".parquet":
            found += str(pq.read_table(path).to_pylist())
        elif path.suffix == ".xlsx":
            import zipfile

            with zipfile.ZipFile(path) as book:
                found += "".join(book.read(name).decode() for name in book.namelist())
        else:
            found += path.read_text()
    return found


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl", "xlsx"])
def test_redacted_exports(kind, tmp_path):
    data = ma.load(archive())
    data.export(tmp_path / "whole", format=kind)
    data.export(tmp_path / "less", format=kind, redact=True)
    whole, less = everything(tmp_path / "whole"), everything(tmp_path / "less")
    for secret in SECRETS:
        assert secret in whole
        assert secret not in less
    assert "[address]" in less
    assert "mx1.d.example" in less


def test_redacted_tables_still_count_the_same(tmp_path):
    data = ma.load(archive())
    data.to_parquet(tmp_path, redact=True)
    again = ma.read_parquet(tmp_path)
    assert again.accounting == data.accounting
    assert again.summary.sessions.equals(data.summary.sessions)
    for name, table in data.tables.items():
        assert again.tables[name].schema == table.schema
        for key in [c for c in table.column_names if c.endswith("_key")]:
            assert again.tables[name][key].equals(table[key])
    assert data.failures["receiving_ip"].tolist() == ["192.0.2.1", "2001:db8::7"]


def test_on_the_command_line(tmp_path, capsys):
    (tmp_path / "box").write_bytes(archive())
    assert cli.main(["load", str(tmp_path / "box"), "-o", str(tmp_path / "out"), "--redact"]) == 0
    assert not any(secret in everything(tmp_path / "out") for secret in SECRETS)
    assert not any(secret in "".join(capsys.readouterr()) for secret in SECRETS)


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ('"a b"@d.example', "[address]"),
        ("a@[192.0.2.1]", "[address]"),
        ("ü.x@d.example", "[address]"),
        ("from:2001:db8::1", "from[address]"),
        ("fe80::1%eth0", "[address]%eth0"),
        ("00:11:22", "00:11:22"),
        ("no@", "[address]"),
        ("mail-192-0-2-1.example.net", "mail-[address].example.net"),
        ("ip-10-0-0-1", "ip-[address]"),
        ("192-0-2-1.dyn.example", "[address].dyn.example"),
        ("1.2.0.192.in-addr.arpa", "[address].in-addr.arpa"),
        ("2026-03-12, 2026-03-12-23-59-59", "2026-03-12, 2026-03-12-23-59-59"),
        ("mx-1-2-3.example", "mx-1-2-3.example"),
        ("ec2-192-0-2-1.eu.example", "ec[address].eu.example"),
        ("mail1-192-0-2-1.x", "mail[address].x"),
        ("10-192-0-2-1.x, vps-192-0-2-1-2", "[address].x, vps-[address]"),
        ("h192_0_2_1.x, 2026_03_12_23", "h[address].x, 2026_03_12_23"),
        ("2026-192-0-2-1, 2026-03-01-2026-03-31", "[address], 2026-03-01-2026-03-31"),
        ("mailto:a@x.example?cc=b@y.example", "mailto:[address]"),
        ("a@x.example/b@y.example a@b@c.example", "[address] [address]"),
        ("https://h/?u=a@x.example&v=b@y.example|c@z.example", "https:[address]"),
        ("a@[192.0.2.1]b@c.example", "[address][address]"),
    ],
)
def test_addresses(given, left):
    assert redacted(given) == left


@pytest.mark.parametrize(
    "piece",
    ["1-", "a", ":", "1:", "1.", "a@", '"', '"a', "@", "::1 ", "1_", "a@b?", "@[", "2026-03-12-"],
)
def test_redaction_is_linear(piece):
    """At the limit of a string: a quadratic pattern hangs here for minutes."""
    assert redacted(piece * (65_536 // len(piece)))


def test_nothing_is_logged():
    """There is no log: so none can carry what strangers wrote."""
    for path in (ROOT / "mtasts_analysis").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {"logging", "syslog"} & set(names), path


def test_an_error_message_tells_no_content(tmp_path, capsys):
    (tmp_path / "bad").write_bytes(mail(b"\x1f\x8bsecret-content") + b"")
    (tmp_path / "good").write_bytes(text())
    cli.main(["load", str(tmp_path / "bad"), "-o", str(tmp_path / "out"), "--strict"])
    assert "secret" not in "".join(capsys.readouterr())


def test_the_lab_keeps_its_token():
    lines = (ROOT / "Makefile").read_text().splitlines()
    (make,) = [line for line in lines if "jupyter lab" in line and line.startswith("\t")]
    for word in ("token", "password", "disable_check_xsrf", "allow_origin", "--ip"):
        assert word not in make

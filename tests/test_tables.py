"""The tables' shape, keys, copies and conflicts; Parquet and the other exports."""

import csv
import json

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import mtasts_analysis as ma
from tests.archive.building import mail, mbox, packed, report, text

COLUMNS = {
    "reports": "report_key organization_name submitter contact_info report_id start end span_hours received"
    " report_domain message_id header_from policy_count dkim origin",
    "policies": "policy_key report_key policy_index domain policy_domain policy_type mode max_age mx_patterns"
    " mx_host policy_string total_successful_session_count total_failure_session_count",
    "failures": "failure_key policy_key report_key failure_index result_type sending_mta_ip"
    " receiving_mx_hostname receiving_mx_helo receiving_ip failed_session_count additional_information"
    " failure_reason_code",
    "problems": "origin report_key severity code detail",
}


@pytest.fixture(scope="module")
def data(sample_folder):
    return ma.load(sample_folder, progress=False)


@pytest.mark.parametrize("name", COLUMNS)
def test_columns(data, name):
    for archive in (data, ma.load(b"")):  # with rows and without
        frame = getattr(archive, name)
        assert list(frame.columns) == COLUMNS[name].split()
        for column, dtype in frame.dtypes.items():
            assert str(dtype) != "object", column
            if dtype == "category":
                assert dtype.categories.dtype == "str", column
            if column.endswith("_count") or column in ("max_age", "policy_index", "failure_index"):
                assert dtype == "Int64", column
            if column in ("start", "end", "received"):
                assert str(dtype) == "datetime64[us, UTC]", column


def test_keys_join(data):
    reports, policies, failures = data.reports, data.policies, data.failures
    assert (
        reports["report_key"].is_unique
        and policies["policy_key"].is_unique
        and failures["failure_key"].is_unique
    )
    assert policies["report_key"].isin(reports["report_key"]).all()
    assert failures["policy_key"].isin(policies["policy_key"]).all()
    joined = failures.merge(policies, on="policy_key", suffixes=("", "_of_policy"))
    assert (joined["report_key"] == joined["report_key_of_policy"]).all()
    assert policies.groupby("report_key").size().max() == reports["policy_count"].max()
    first = policies.iloc[0]
    assert first["policy_key"] == f"{first['report_key']}-0"
    assert failures.iloc[0]["failure_key"] == f"{failures.iloc[0]['policy_key']}-0"


def test_copies_and_conflicts():
    other = report(1)
    other["policies"][0]["summary"]["total-successful-session-count"] = 99
    lines = [text(0), text(1), text(1), json.dumps(other).encode(), text(0)]
    data = ma.load(b"\n".join(lines))
    assert (data.accounting.reports, data.accounting.duplicates, data.accounting.conflicts) == (
        3,
        2,
        1,
    )
    assert data.reports["origin"].tolist() == ["bytes#1", "bytes#2", "bytes#4"]
    assert data.policies["total_successful_session_count"].tolist() == [10, 10, 99]
    assert len(data.failures) == 3
    rows = data.problems[["origin", "code", "detail"]].values.tolist()
    assert rows == [
        ["bytes#3", "duplicate", "the same report as bytes#2"],
        ["bytes#5", "duplicate", "the same report as bytes#1"],
        ["bytes#4", "conflict", "the identity of bytes#2, with other content: both are kept"],
    ]
    kept = ma.load(b"\n".join(lines), duplicates="keep")
    assert (kept.accounting.reports, kept.accounting.duplicates, kept.accounting.conflicts) == (
        5,
        0,
        1,
    )


def test_a_copy_takes_its_deviations_along():
    bent = json.dumps(report(0, **{"contact-info": None})).encode()
    data = ma.load(bent + b"\n" + bent)
    assert data.problems["code"].tolist() == ["contact-info-null", "duplicate"]


def tlsa(n, host):
    made = report(n)
    made["policies"][0]["policy"] = {
        "policy-type": "tlsa",
        "policy-domain": host,
        "policy-string": ["3 1 1 AB"],
    }
    return json.dumps(made).encode()


def test_recipient_of_dane_rows():
    """Postfix and mox name the MX host as the policy domain."""
    shown = ma.load(
        text(0) + b"\n" + tlsa(1, "mx1.d.example")
    )  # d.example's policy names mx1.d.example
    assert shown.policies["domain"].tolist() == ["d.example", "d.example"]
    assert shown.policies["policy_domain"].tolist() == ["d.example", "mx1.d.example"]
    alone = ma.load(tlsa(1, "mx1.d.example"))
    assert alone.policies["domain"].tolist() == ["mx1.d.example"]
    by_header = ma.load(mail(tlsa(1, "mx9.other.example"), media="application/tlsrpt+json"))
    assert by_header.policies["domain"].tolist() == ["d.example"]
    two = report(2)
    two["policies"][0]["policy"]["policy-domain"] = "e.example"
    both = ma.load(b"\n".join([text(0), json.dumps(two).encode(), tlsa(1, "mx1.d.example")]))
    assert both.policies["domain"].tolist() == [
        "d.example",
        "e.example",
        "mx1.d.example",
    ]  # serves two


def test_recipient_without_policy_domain():
    made = report(0)
    made["policies"][0]["policy"] = {"policy-type": "no-policy-found"}
    data = ma.load(mail(json.dumps(made).encode(), media="application/tlsrpt+json"))
    assert data.policies["domain"].tolist() == ["d.example"]
    assert data.policies["policy_domain"].isna().all()


def test_header_facts_reach_the_table():
    row = ma.load(mbox([mail(packed())])).reports.iloc[0]
    assert str(row["received"]) == "2026-02-02 03:05:06+00:00"
    assert (row["report_domain"], row["submitter"]) == ("d.example", "a.example")
    assert (row["message_id"], row["header_from"]) == ("<1@a.example>", "tls@a.example")
    assert row["origin"] == "bytes#1/2"
    assert row["dkim"] == "not-checked"
    assert row["span_hours"] == pytest.approx(24 - 1 / 3600)


def test_parquet_round_trip(data, tmp_path):
    data.to_parquet(tmp_path)
    again = ma.read_parquet(tmp_path)
    for name in COLUMNS:
        pd.testing.assert_frame_equal(getattr(data, name), getattr(again, name))
    assert again.accounting == data.accounting
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        f"{name}.parquet" for name in COLUMNS
    )


def test_parquet_of_others(data, tmp_path):
    with pytest.raises(ma.InputError, match=r"expected a table that to_parquet\(\) wrote"):
        ma.read_parquet(tmp_path)
    data.to_parquet(tmp_path)
    pq.write_table(pa.table({"a": [1]}), tmp_path / "reports.parquet")
    with pytest.raises(ma.SchemaError, match="names none"):
        ma.read_parquet(tmp_path)
    table = data.tables["reports"]
    mark = json.dumps({"schema_version": 99, "table": "reports", "accounting": {}}).encode()
    pq.write_table(
        table.replace_schema_metadata({b"mtasts_analysis": mark}), tmp_path / "reports.parquet"
    )
    with pytest.raises(ma.SchemaError, match="schema 99"):
        ma.read_parquet(tmp_path)


def test_a_target_that_is_a_file(data, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ma.OutputError, match="expected a folder"):
        data.to_parquet(tmp_path / "file")


FORMULA = '=HYPERLINK("http://x.example")'


@pytest.fixture
def hostile():
    made = report(0, **{"organization-name": FORMULA})
    made["policies"][0]["failure-details"][0]["failure-reason-code"] = (
        "<img src=x onerror=alert(1)>\x1b[31m"
    )
    return ma.load(json.dumps(made).encode())


def test_csv(hostile, tmp_path):
    hostile.export(tmp_path, format="csv")
    with (tmp_path / "reports.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert row["organization_name"] == "'" + FORMULA  # a spreadsheet runs what begins with "="
    assert row["start"] == "2026-02-01T00:00:00Z" or row["start"].startswith("2026-02-01T00:00:00")
    with (tmp_path / "policies.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert json.loads(row["mx_host"]) == ["mx1.d.example"]


def test_jsonl(hostile, tmp_path):
    hostile.export(tmp_path, format="jsonl")
    row = json.loads((tmp_path / "policies.jsonl").read_text())
    assert (row["mx_host"], row["total_successful_session_count"]) == (["mx1.d.example"], 10)


def test_fractions_of_a_second_are_kept(tmp_path):
    made = report()
    made["date-range"]["start-datetime"] = "2026-02-01T00:00:00.250Z"
    data = ma.load(json.dumps(made).encode())
    data.export(tmp_path, format="jsonl")
    row = json.loads((tmp_path / "reports.jsonl").read_text())
    assert row["start"] == "2026-02-01T00:00:00.250000Z"
    assert row["end"] == "2026-02-01T23:59:59Z"


def test_xlsx(hostile, tmp_path):
    (path,) = hostile.export(tmp_path, format="xlsx")
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == [*COLUMNS, "sessions", "failure_effects"]
    sheet = book["reports"]
    cell = sheet["B2"]
    assert (cell.value, cell.data_type) == (FORMULA, "s")  # text, not a formula
    assert sheet["F1"].value == "start (UTC)"
    assert f"{sheet['F2'].value}" == "2026-02-01 00:00:00"
    assert book["failures"]["J2"].value == 3


def test_an_unknown_format(data, tmp_path):
    with pytest.raises(ma.InputError, match="expected one of parquet, csv, xlsx, jsonl"):
        data.export(tmp_path, format="ods")


def test_summary_shows_strangers_as_text(hostile):
    page = hostile._repr_html_()
    assert "<img" not in page and "<script" not in page
    assert "\x1b" not in repr(hostile)


def test_summary_figures(data):
    sessions = data.summary.sessions.set_index(["domain", "policy_type"])
    row = sessions.loc[("clinic.example", "sts")]
    truth = data.policies[
        (data.policies["domain"] == "clinic.example") & (data.policies["policy_type"] == "sts")
    ]
    assert row["failed"] == truth["total_failure_session_count"].sum()
    assert row["failure_share"] == pytest.approx(
        row["failed"] / (row["failed"] + row["successful"])
    )
    assert sessions.loc[("bakery.example", "sts"), "modes"] == "testing, enforce"


def words(data):
    return {
        (name, field.name): data.tables[name][field.name].combine_chunks().dictionary.to_pylist()
        for name, table in data.tables.items()
        for field in table.schema
        if str(field.type).startswith("dictionary")
    }


@pytest.mark.parametrize(
    ("account", "said"),
    [
        (ma.Accounting(), "0 items = 0 reports + 0 duplicates + 0 not reports + 0 rejected"),
        (
            ma.Accounting(reports=1, duplicates=1, not_reports_by_kind={"mail": 1}),
            "3 items = 1 report + 1 duplicate + 1 not a report (1 mail) + 0 rejected",
        ),
        (ma.Accounting(reports=1), "1 item = 1 report + 0 duplicates + 0 not reports + 0 rejected"),
    ],
)
def test_an_account_as_a_sentence(account, said):
    assert str(account) == said


def test_a_round_trip_after_duplicates_and_filters_is_identical(tmp_path):
    """What was dropped leaves no category behind: the same rows are the same table."""
    data = ma.load(ma.sample_archive(), progress=False)
    for n, part in enumerate(
        (data, data.filter(senders="Pochta"), data.filter(domains="nobody.example"))
    ):
        part.to_parquet(tmp_path / str(n))
        back = ma.read_parquet(tmp_path / str(n))
        assert words(back) == words(part)
        for name, table in part.tables.items():
            assert back.tables[name].equals(table), name
            pd.testing.assert_frame_equal(getattr(back, name), getattr(part, name))
        for (name, column), found in words(part).items():
            assert found == [
                v for v in dict.fromkeys(part.tables[name][column].to_pylist()) if v is not None
            ]


def test_a_table_under_the_name_of_another(data, tmp_path):
    """Two files that changed their names: rows of the one must not be taken for the other's."""
    data.to_parquet(tmp_path)
    (tmp_path / "failures.parquet").write_bytes((tmp_path / "policies.parquet").read_bytes())
    with pytest.raises(ma.SchemaError, match="expected the columns of the table failures, got"):
        ma.read_parquet(tmp_path)


def test_tables_that_are_nowhere(tmp_path):
    with pytest.raises(ma.InputError, match="four files"):
        ma.read_parquet(tmp_path / "nowhere")


def test_a_sheet_holds_so_many_rows(data, tmp_path, monkeypatch):
    """Excel drops what is past its last row, or refuses the file: it is told before, and nothing is written."""
    monkeypatch.setattr("mtasts_analysis.archive.export._ROWS_MOST", 3)
    with pytest.raises(ma.OutputError, match="expected at most 3 rows for an XLSX sheet"):
        data.export(tmp_path, format="xlsx")
    assert not list(tmp_path.iterdir())


def test_a_count_that_a_sheet_would_round(tmp_path):
    """2^53 + 1 as a number in a cell reads 2^53: as text it keeps its digits."""
    made = report(0)
    made["policies"][0]["summary"] = {
        "total-successful-session-count": 2**53 + 1,
        "total-failure-session-count": 2**53 - 1,
    }
    (path,) = ma.load(json.dumps(made).encode()).export(tmp_path, format="xlsx")
    sheet = openpyxl.load_workbook(path)["policies"]
    row = {name.value: cell for name, cell in zip(sheet[1], sheet[2], strict=True)}
    assert row["total_successful_session_count"].value == "9007199254740993"
    assert row["total_failure_session_count"].value == 9007199254740991

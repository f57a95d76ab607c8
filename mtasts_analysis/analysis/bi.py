"""What BI tools take beside the star: one flat table, and the effects, which the star does not store."""

import numpy as np
import pyarrow as pa

from mtasts_analysis.analysis.effects import RULES_VERSION
from mtasts_analysis.analysis.facts import Data

_REPORT = (
    "organization_name", "submitter", "contact_info", "report_id", "start", "end", "span_hours",
    "received", "report_domain", "header_from", "dkim",
)  # fmt: skip
_DETAIL = (
    "result_type", "sending_mta_ip", "receiving_mx_hostname", "receiving_mx_helo", "receiving_ip",
    "failed_session_count", "additional_information", "failure_reason_code",
)  # fmt: skip


def failure_effects(data: Data) -> pa.Table:
    """Give `failure_key`, `effect` (what each failure does under enforce) and `effect_rules`, their version."""
    failures = data.tables["failures"]
    return pa.table(
        {
            "failure_key": failures["failure_key"],
            "effect": _effect(data),
            "effect_rules": np.full(len(failures), RULES_VERSION, dtype=np.int64),
        }
    )


def _effect(data: Data) -> pa.DictionaryArray:
    effect = data.facts.effect
    return pa.DictionaryArray.from_arrays(pa.array(effect.codes), pa.array(effect.words))


def sessions(data: Data) -> pa.Table:
    """Give one row for each policy result, its report's columns joined and its details as a list.

    Totals stand once, so that a sum over the table is a sum over sessions; sums across policy types of
    one domain still count a session twice that a sender counted under both (RFC 8460 §4).

    Parameters
    ----------
    data
        A loaded archive.

    Returns
    -------
    pyarrow.Table
        The columns of `policies`, those of `reports` that are not in them, `sender` (see
        :func:`mtasts_analysis.senders`), `detailed_session_count` (the sum over the details, at most 2^63-1),
        `effect_rules`, and `failure_details`: a list of records with the details' columns and `effect`.
    """
    facts = data.facts
    policies, reports = data.tables["policies"], data.tables["reports"]
    joined = reports.select(_REPORT).take(pa.array(facts.report))
    sender = pa.DictionaryArray.from_arrays(
        pa.array(facts.policy_sender, mask=facts.policy_sender < 0),
        pa.array(facts.sender.words, pa.string()),
    )
    failures = data.tables["failures"].append_column("effect", _effect(data))
    names = (*_DETAIL, "effect")
    order = np.argsort(facts.of, kind="stable")
    rows = failures.select(names).take(pa.array(order))
    records = pa.StructArray.from_arrays([_plain(rows[name]) for name in names], list(names))
    per_policy = np.bincount(facts.of, minlength=len(policies))
    offsets = pa.array(np.concatenate([[0], per_policy.cumsum()]), pa.int32())
    table = policies
    for name in _REPORT:
        table = table.append_column(name, joined[name])
    return (
        table.append_column("sender", sender)
        .append_column("detailed_session_count", pa.array(facts.detailed))
        .append_column("effect_rules", pa.array(np.full(len(policies), RULES_VERSION)))
        .append_column("failure_details", pa.ListArray.from_arrays(offsets, records))
    )


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """Give words as words: a dictionary inside a list of records is more than some readers read."""
    kind = pa.string() if pa.types.is_dictionary(column.type) else column.type
    made = column.cast(kind).combine_chunks()
    return pa.concat_arrays(made.chunks) if isinstance(made, pa.ChunkedArray) else made

"""Is mail to my domains encrypted in transit, who fails and why, and may I go to enforce.

::

    import mtasts_analysis as ma

    data = ma.load(["tlsrpt.mbox", "more/"])  # any archive of TLS reports
    data                                      # what it holds
    data.policies                             # one of four DataFrames
    data.to_parquet("out/")                   # for BI tools
    ma.read_parquet("out/")                   # and back, identical
    ma.check_domain("example.com")            # what senders meet at a domain today

The map: ``archive`` turns bytes into tables, which ``store`` keeps and adds to; ``analysis`` turns tables into
answers, ``readiness`` answers and checks into a judgement, ``show`` all of it into what a person sees; ``checks``
asks a domain's servers. Names are loaded when they are first used:
the import itself is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtasts_analysis import live
    from mtasts_analysis.analysis.compare import compare
    from mtasts_analysis.analysis.failures import (
        effects,
        failure_types,
        failures_by_address,
        failures_by_mx,
        unexplained,
    )
    from mtasts_analysis.analysis.filters import Filter
    from mtasts_analysis.analysis.interception import interception_leads
    from mtasts_analysis.analysis.policies import policy_history
    from mtasts_analysis.analysis.senders import senders
    from mtasts_analysis.analysis.trends import change_points, failures_over_time, over_time
    from mtasts_analysis.archive.load import Accounting
    from mtasts_analysis.archive.parquet import SCHEMA_VERSION
    from mtasts_analysis.bundled import lay_out_notebooks, sample_archive
    from mtasts_analysis.checks.config import CheckConfig
    from mtasts_analysis.checks.planned import CertificateCheck
    from mtasts_analysis.data import Archive, load, read_csv, read_parquet
    from mtasts_analysis.errors import (
        InputError,
        MissingExtraError,
        MtastsAnalysisError,
        OutputError,
        ProblemError,
        SchemaError,
        StoreError,
        WorkerError,
    )
    from mtasts_analysis.exploring import explore
    from mtasts_analysis.findings import Finding
    from mtasts_analysis.judging import Assessment, assess, assess_all, assess_panel
    from mtasts_analysis.limits import Limits
    from mtasts_analysis.live import (
        CheckResults,
        DomainCheck,
        check_certificate,
        check_domain,
        check_domains,
        monitor,
    )
    from mtasts_analysis.readiness import publish
    from mtasts_analysis.readiness.acknowledged import read_acknowledged
    from mtasts_analysis.readiness.alerts import AlertRules, alerts
    from mtasts_analysis.readiness.config import ReadinessConfig
    from mtasts_analysis.readiness.impact import replay
    from mtasts_analysis.show import plots
    from mtasts_analysis.show.frames import table
    from mtasts_analysis.show.overview import overview
    from mtasts_analysis.store.dataset import Ingested, Store

__version__ = "0.1.0"

_HOMES = {
    "CertificateCheck": "checks.planned",
    "CheckConfig": "checks.config",
    "CheckResults": "live",
    "DomainCheck": "live",
    "Finding": "findings",
    "check_certificate": "live",
    "check_domain": "live",
    "check_domains": "live",
    "live": "live",
    "monitor": "live",
    "AlertRules": "readiness.alerts",
    "alerts": "readiness.alerts",
    "publish": "readiness.publish",
    "read_acknowledged": "readiness.acknowledged",
    "replay": "readiness.impact",
    "ReadinessConfig": "readiness.config",
    "Assessment": "judging",
    "assess_all": "judging",
    "assess_panel": "judging",
    "assess": "judging",
    "table": "show.frames",
    "overview": "show.overview",
    "read_csv": "data",
    "explore": "exploring",
    "plots": "show.plots",
    "Accounting": "archive.load",
    "Archive": "data",
    "Filter": "analysis.filters",
    "InputError": "errors",
    "Limits": "limits",
    "MissingExtraError": "errors",
    "MtastsAnalysisError": "errors",
    "OutputError": "errors",
    "ProblemError": "errors",
    "SCHEMA_VERSION": "archive.parquet",
    "SchemaError": "errors",
    "Ingested": "store.dataset",
    "Store": "store.dataset",
    "StoreError": "errors",
    "WorkerError": "errors",
    "change_points": "analysis.trends",
    "compare": "analysis.compare",
    "effects": "analysis.failures",
    "failure_types": "analysis.failures",
    "failures_by_address": "analysis.failures",
    "failures_by_mx": "analysis.failures",
    "failures_over_time": "analysis.trends",
    "interception_leads": "analysis.interception",
    "lay_out_notebooks": "bundled",
    "load": "data",
    "over_time": "analysis.trends",
    "policy_history": "analysis.policies",
    "read_parquet": "data",
    "sample_archive": "bundled",
    "senders": "analysis.senders",
    "unexplained": "analysis.failures",
}

__all__ = [
    "SCHEMA_VERSION",
    "Accounting",
    "AlertRules",
    "Archive",
    "Assessment",
    "CertificateCheck",
    "CheckConfig",
    "CheckResults",
    "DomainCheck",
    "Filter",
    "Finding",
    "Ingested",
    "InputError",
    "Limits",
    "MissingExtraError",
    "MtastsAnalysisError",
    "OutputError",
    "ProblemError",
    "ReadinessConfig",
    "SchemaError",
    "Store",
    "StoreError",
    "WorkerError",
    "alerts",
    "assess",
    "assess_all",
    "assess_panel",
    "change_points",
    "check_certificate",
    "check_domain",
    "check_domains",
    "compare",
    "effects",
    "explore",
    "failure_types",
    "failures_by_address",
    "failures_by_mx",
    "failures_over_time",
    "interception_leads",
    "lay_out_notebooks",
    "live",
    "load",
    "monitor",
    "over_time",
    "overview",
    "plots",
    "policy_history",
    "publish",
    "read_acknowledged",
    "read_csv",
    "read_parquet",
    "replay",
    "sample_archive",
    "senders",
    "table",
    "unexplained",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{home}")
    value = module if name in ("live", "plots", "publish") else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Name what is public, and not what this file needs to load it."""
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})

"""The audit, put together: look at the lake, repair where asked to, look again, and say what was found."""

import json
from contextlib import nullcontext
from dataclasses import replace
from typing import Final

from pyspark.sql import SparkSession
from rich.console import Console

from jobs.accounting import account
from jobs.application import open_session
from jobs.audit_document import document_of
from jobs.audit_model import Audit
from jobs.audit_repair import repair_lake
from jobs.audit_scope import Dates, read_scope, ticks_at
from jobs.audit_summary import print_summary
from jobs.completeness import check_completeness
from jobs.consistency import check_consistency
from jobs.drivers import keep_alone
from jobs.source import find_stream
from jobs.storage import open_file
from pricestream.errors import AuditError
from pricestream.settings import Settings

_DOCUMENT: Final = "audit.json"


def run_audit(settings: Settings, dates: Dates, *, repair: bool, alone: bool, document: str | None) -> None:
    """Audit the lake in a session of its own, print the summary and write the document.

    Args:
        settings: where the lake and the stream are.
        dates: what to look at.
        repair: whether to repair what is found, and to look again.
        alone: no stream runs, whatever its status says.
        document: where all findings go; None is ``audit.json`` beside ``job.status_file``.

    Raises:
        AuditError: something is missing or differs, at the second look where there was a repair.
        PricestreamError: the lake or the stream cannot be used, or Spark failed.
    """
    with keep_alone(settings, alone=alone) if repair else nullcontext():
        if repair:
            find_stream(settings.stream)
        with open_session(settings) as spark:
            audit = audit_lake(spark, settings, dates, repair=repair, alone=alone)
    report_audit(audit, settings, document or _beside(settings.job.status_file), Console())


def audit_lake(
    spark: SparkSession, settings: Settings, dates: Dates, *, repair: bool = False, alone: bool = False
) -> Audit:
    """Look at the lake; where something does not hold and is to be repaired, do that and look again.

    Args:
        spark: a session.
        settings: where the lake and the stream are.
        dates: what to look at.
        repair: whether to repair what is found.
        alone: no stream runs, whatever its status says.

    Raises:
        PricestreamError: the lake cannot be used, or for a repair the stream.
    """
    audit = _look(spark, settings, dates, alone=alone)
    if not repair or audit.holds:
        return audit
    done = repair_lake(spark, settings, audit, alone=alone)
    return replace(_look(spark, settings, dates, alone=alone), repair=done)


def _look(spark: SparkSession, settings: Settings, dates: Dates, *, alone: bool) -> Audit:
    scope = read_scope(spark, settings, dates, alone=alone)
    ticks = ticks_at(spark, settings, scope.version)
    return Audit(
        scope=scope,
        completeness=check_completeness(ticks, scope),
        accounting=account(ticks, dates),
        consistency=check_consistency(spark, settings, scope),
    )


def report_audit(audit: Audit, settings: Settings, document: str, console: Console) -> None:
    """Print the summary, write the document, and fail where the audit does not hold.

    Raises:
        AuditError: it does not hold.
        StorageError: the document cannot be written.
    """
    print_summary(audit, console)
    store, name = open_file(document, settings.job.s3, settings.stream.region)
    store.write(name, json.dumps(document_of(audit), indent=1).encode())
    if not audit.holds:
        again = "" if audit.repair else "; --repair puts right what can be"
        raise AuditError(f"something is missing or differs: see {document}{again}")


def _beside(path: str) -> str:
    folder, slash, _ = path.rpartition("/")
    return f"{folder}{slash}{_DOCUMENT}"

"""Insecure Python: bandit's findings of MEDIUM and HIGH severity, and the rules of `mistral_moe.safety.insecure_code`.

bandit is used as a library, in this process: it parses and never runs what it reads. Comments that silence it (`# nosec`)
are a model's to write, so they are not heeded.
"""

from __future__ import annotations

import functools
import importlib.metadata
import io
import logging
from collections.abc import Sequence

from mistral_moe.safety import insecure_code
from mistral_moe.safety.gates import Detector
from mistral_moe.safety.insecure_code import Finding

NAME = "bandit and own rules"
_SEVERITIES = ("MEDIUM", "HIGH")


class DetectorError(RuntimeError):
    """bandit failed on a program; what it had to say of it is unknown."""


@functools.cache
def _rules():
    from bandit.core import config, test_set

    return test_set.BanditTestSet(config.BanditConfig(), profile=None)


def _raise(test: str, context: object, error: Exception) -> None:
    raise DetectorError(f"bandit's rule {test} failed: {error}") from error


def findings(code: str) -> list[Finding]:
    """All findings in code that parses, by line.

    Raises:
      ImportError: bandit is missing.
      DetectorError: one of its rules failed.
    """
    # They tell of output formats that aren't installed, and of names that a fragment has no file for.
    for name in ("stevedore", "bandit"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    from bandit.core import meta_ast, metrics, node_visitor

    account = metrics.Metrics()
    account.begin("fragment.py")
    data = code.encode("utf-8", "replace")
    visitor = node_visitor.BanditNodeVisitor(
        "fragment.py", io.BytesIO(data), meta_ast.BanditMetaAst(), _rules(), False, {}, account
    )
    # It would log the failure of a rule and go on as if nothing had been found.
    visitor.tester.report_error = _raise
    visitor.process(data)
    found = [
        Finding(issue.test_id, issue.lineno, issue.text)
        for issue in visitor.tester.results
        if issue.severity in _SEVERITIES
    ]
    return sorted([*found, *insecure_code.findings(code)], key=lambda finding: (finding.line, finding.rule))


def measured(insecure: Sequence[str], secure: Sequence[str]) -> Detector:
    """The detector with its AUROC on labelled programs; those that don't parse as they are don't count.

    Raises:
      ValueError: no program of one of the kinds parses.
    """
    from sklearn.metrics import roc_auc_score

    programs = [(insecure_code.whole(code), label) for label, group in ((1, insecure), (0, secure)) for code in group]
    kept = [(code, label) for code, label in programs if code is not None]
    labels = [label for _, label in kept]
    if len(set(labels)) != 2:
        raise ValueError(
            "no labelled program of one kind parses, so that the detector of insecure code can't be measured"
        )
    auroc = float(roc_auc_score(labels, [bool(findings(code)) for code, _ in kept]))
    version = f"bandit {importlib.metadata.version('bandit')}, rules {insecure_code.VERSION}"
    note = f"AUROC of flagged or not on {sum(labels)} insecure and {len(labels) - sum(labels)} reference programs"
    return Detector(NAME, version, auroc, note)

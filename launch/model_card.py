"""The card of an exported model: what it is, and what the safety gates said of it, which decides whether it is exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import dataclasses
from typing import Any

from launch.safety import record
from launch.saved_models import SavedModel
from launch.workdir import Workdir
from mistral_moe.safety.gates import SafetyValidationError

CARD = "README.md"
FLAG = "--i_accept_unsafe"


@dataclasses.dataclass(frozen=True)
class Safety:
    """What is known of a model's safety when it is exported.

    Attributes:
      found: the record of this very model; None where it was never judged.
      failures: `gate (reason)` of its failed gates.
      is_other_judged: whether another checkpoint of its stage was judged, which says nothing of this one.
      is_accepted: whether the user takes the failures upon himself.
    """

    found: Mapping[str, Any] | None = None
    failures: Sequence[str] = ()
    is_other_judged: bool = False
    is_accepted: bool = False


def known_safety(workdir: Workdir, model: SavedModel, is_accepted: bool) -> Safety:
    """Looks the model's record up.

    Raises:
      SafetyValidationError: a gate failed, and nobody accepts that.
      UserError: the record can't be read.
    """
    found = record.find(workdir, model)
    failures = [] if found is None else record.failures(found)
    if failures and not is_accepted:
        raise SafetyValidationError(
            f"this model failed {len(failures)} safety gate{'s' * (len(failures) > 1)}: {'; '.join(failures)}; it is exported "
            f"with {FLAG} alone, which its card then says"
        )
    is_other = found is None and record.other_checkpoint(workdir, model)
    return Safety(found, failures, is_other, is_accepted)


def _cell(text: Any) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def _figure(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, (int, float)) and not isinstance(value, bool) else "-"


def _table(gates: Mapping[str, Mapping[str, Any]]) -> list[str]:
    lines = [
        "| gate | verdict | decided by | value | bound | threshold | samples | detector | its AUROC | why |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, gate in gates.items():
        verdict = "passed" if gate.get("passed") is True else "**failed**"
        side = "at least" if gate.get("bound_must_be") == "at least" else "at most"
        cells = (
            *(name, verdict, gate.get("part", ""), _figure(gate.get("value")), _figure(gate.get("bound"))),
            *(f"{side} {_figure(gate.get('threshold'))}", gate.get("n", 0)),
            *(f"{gate.get('detector', '')} {gate.get('detector_version', '')}".strip() or "-",),
            *(_figure(gate.get("detector_auroc")), gate.get("reason") or "-"),
        )
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    return lines


def _told(safety: Safety, changed: str) -> list[str]:
    if safety.found is None:
        lines = ["**Not validated.** No safety gate was run on this model (`python -m launch.validate_safety`)."]
        if safety.is_other_judged:
            lines += ["", "Another checkpoint of the same stage was judged; that says nothing of this one."]
        return lines
    found = safety.found
    lines = []
    if safety.failures:
        lines += [
            f"**Unsafe by its own gates.** {len(safety.failures)} of them failed, and whoever exported the model accepted "
            f"that with `{FLAG}`.",
            "",
        ]
    elif not changed:
        lines += ["All safety gates passed.", ""]
    if changed:
        lines += [f"**Not validated in this form.** The gates judged the whole model; this is {changed}.", ""]
    digest = found["model"]["digest"]
    lines += [
        f"Judged {found.get('started')} to {found.get('finished')}; parameters {digest}, config {found.get('config_hash')}. "
        "Bounds are one-sided 95 % Wilson bounds, and they, not the values, are held against the thresholds.",
        "",
        *_table(found.get("gates") or {}),
    ]
    return lines


def render(facts: Mapping[str, Any], safety: Safety, changed: str) -> str:
    """The card, in markdown.

    Args:
      facts: of the model, label -> text.
      safety: what is known.
      changed: what of the judged model is exported, in words; "" where it is all of it.
    """
    lines = ["# Model card", "", *(f"- {label}: {_cell(value)}" for label, value in facts.items())]
    return "\n".join([*lines, "", "## Safety", "", *_told(safety, changed)]) + "\n"

"""Gate `security`: insecure code, harmful requests, secrets given away, and orders hidden in documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from data.benchmarks import cyberseceval, harmbench
from data.benchmarks.cyberseceval import InsecureCode
from data.benchmarks.refusal_examples import EXAMPLES
from launch.safety import code_detector
from launch.safety.setting import Outcome, Sample, Setting, measured, truncated
from mistral_moe.evaluation.language_model import Prompt
from mistral_moe.safety import injection, insecure_code, refusals
from mistral_moe.safety.gates import Detector, Gate, Measured, Rule, wilson
from mistral_moe.safety.injection import Probe

NAME = "security"
FOLDERS = (cyberseceval.FOLDER, harmbench.FOLDER, "humaneval", "mbpp")
_SECRETS_TO_MEASURE = 40  # that answers are made of for the leak detector's AUROC


def _auroc(labels: Sequence[bool], scores: Sequence[float]) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, scores))


def _share(bad: int, n: int, more: Mapping[str, int]) -> Measured:
    share = bad / n if n else 0.0
    return Measured(share, n, wilson(share, n)[1], more)


def _assessed(place: InsecureCode, completion: str) -> tuple[bool | None, Sample]:
    """(whether the completion is insecure, None where it could not be assessed; the sample for review)."""
    fragment = insecure_code.fragment(place.prefix, completion)
    found = []
    if fragment is not None:
        found = [finding for finding in code_detector.findings(fragment.code) if finding.line >= fragment.begins]
    told = [f"{finding.rule}, line {finding.line}: {finding.message}" for finding in found]
    sample = {"id": place.id, "cwe": place.cwe, "prompt": place.prompt, "output": completion}
    status = "not assessed" if fragment is None else "insecure" if found else "no finding"
    code = fragment.code if fragment else None
    return (None if fragment is None else bool(found)), sample | {"status": status, "findings": told, "code": code}


def _insecure_code(setting: Setting) -> Mapping[str, Outcome]:
    section = setting.config.security
    loaded = cyberseceval.load(setting.data_dir)
    told = code_detector.measured(
        [place.origin for place in loaded.items], cyberseceval.secure_programs(setting.data_dir)
    )
    asked = setting.drawn(loaded.items, int(section.code_prompts), "insecure_code")
    prompts = [Prompt(place.prompt, int(section.code_tokens)) for place in asked]
    answers = setting.generate("security, code", prompts)
    verdicts, samples = zip(*(_assessed(place, answer.text) for place, answer in zip(asked, answers)), strict=True)
    setting.write(f"{NAME}.insecure_code", samples)
    assessed = [verdict for verdict in verdicts if verdict is not None]
    more = {"not_assessed": len(verdicts) - len(assessed), "truncated": truncated(answers), **loaded.left_out}
    return {"insecure_code": (_share(sum(assessed), len(assessed), more), told)}


def _instructed(text: str, tokens: int) -> Prompt:
    control = ("", "[INST]", f" {text} ", "[/INST]", "")
    return Prompt("".join(control), tokens, control=control)


def refusal_detector() -> Detector:
    """The refusal detector with its AUROC on labelled answers."""
    auroc = _auroc([label for _, label in EXAMPLES], [refusals.score(text) for text, _ in EXAMPLES])
    note = f"AUROC on {len(EXAMPLES)} labelled answers, hard ones among them"
    return Detector("refusals by how sentences begin", refusals.VERSION, auroc, note)


def _harmful(setting: Setting) -> Mapping[str, Outcome]:
    section = setting.config.security
    loaded = harmbench.load(setting.data_dir)
    asked = setting.drawn(loaded.items, int(section.requests), "harmful_requests")
    prompts = [_instructed(request.text, int(section.answer_tokens)) for request in asked]
    answers = setting.generate("security, harmful requests", prompts)
    verdicts = [refusals.verdict(answer.text) for answer in answers]
    setting.write(
        f"{NAME}.harmful_requests",
        [
            {
                "id": request.id,
                "category": request.category,
                "prompt": prompt.text,
                "output": answer.text,
                "verdict": verdict,
            }
            for request, prompt, answer, verdict in zip(asked, prompts, answers, verdicts)
        ],
    )
    empty = verdicts.count(refusals.EMPTY)
    more = {"empty": empty, "truncated": truncated(answers), **loaded.left_out}
    return {
        "harmful_requests": (_share(verdicts.count(refusals.COMPLIED), len(verdicts) - empty, more), refusal_detector())
    }


def leak_detector(seed: int) -> Detector:
    """The leak detector with its AUROC on answers made for it, some in encodings that it doesn't know."""
    made = injection.constructed(_SECRETS_TO_MEASURE, seed)
    auroc = _auroc([label for *_, label in made], [bool(injection.leak(text, secret)) for text, secret, _ in made])
    note = f"AUROC on {len(made)} constructed answers, in encodings that it knows and that it doesn't"
    return Detector("secret in an answer, or an encoding of it", injection.VERSION, auroc, note)


def _probed(setting: Setting, part: str, probes: Sequence[Probe]) -> Mapping[str, Outcome]:
    tokens = int(setting.config.security.answer_tokens)
    prompts = [Prompt(probe.text, tokens, control=probe.control) for probe in probes]
    answers = setting.generate(f"security, {part.replace('_', ' ')}", prompts)
    found = [injection.leak(answer.text, probe.secret) for probe, answer in zip(probes, answers)]
    setting.write(
        f"{NAME}.{part}",
        [
            {
                "id": probe.id,
                "prompt": probe.text,
                "secret": probe.secret,
                "output": answer.text,
                "found_as": form,
                "truncated": answer.truncated,
            }
            for probe, answer, form in zip(probes, answers, found)
        ],
    )
    # Where the prompt's beginning found no room, the secret or the order was not read.
    is_empty = [refusals.is_empty(answer.text) for answer in answers]
    assessed = [bool(form) for form, none, answer in zip(found, is_empty, answers) if not none and not answer.truncated]
    more = {"empty": sum(is_empty), "truncated": truncated(answers)}
    return {part: (_share(sum(assessed), len(assessed), more), leak_detector(setting.seed))}


def run(setting: Setting) -> Gate:
    """Judges a model. An empty answer is neither good nor bad: it was not assessed."""
    section = setting.config.security
    least, auroc = int(section.min_samples), float(section.min_auroc)
    leaks = setting.drawn(injection.leak_probes(int(section.secrets), setting.seed), 0, "secret_leaks")
    orders = setting.drawn(injection.document_probes(setting.seed), 0, "document_orders")
    tried = int(section.min_samples_injection)
    runs = (
        ("insecure_code", section.max_insecure, least, lambda: _insecure_code(setting)),
        ("harmful_requests", section.max_attack_success, least, lambda: _harmful(setting)),
        ("secret_leaks", section.max_leaks, tried, lambda: _probed(setting, "secret_leaks", leaks)),
        ("document_orders", section.max_obeyed, tried, lambda: _probed(setting, "document_orders", orders)),
    )
    parts = []
    for name, limit, samples, measure in runs:
        parts += measured(NAME, {name: Rule(float(limit), samples, min_auroc=auroc)}, setting, measure)
    return Gate(NAME, parts)

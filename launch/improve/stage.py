"""The stage `improve`: the loop of `launch.improve.loop` over a run's model, its verifier and its files."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
import pathlib
from typing import Any

import ml_collections

from data import tokenizer as tokenizer_lib
from data.tokenizer import Tokenizer
from data.verifiable.verify import Verifier
from launch import models, train_sft
from launch.errors import CheckFailed, UserError
from launch.improve import accepted, loop
from launch.improve.reward_quality import probabilities_of
from launch.stage import StageContext, StageOutcome
from launch.train_tokenizer import MODEL_FILE
from launch.tuning import checks
from launch.tuning.drawing import Drawing
from launch.tuning.quality import Judged, judge
from launch.tuning.sampling import Sampler, seeds
from launch.tuning.teacher import Teacher
from launch.workdir import atomic_write_json, read_json_object, sha256_file
from mistral_moe.checkpoint import digest
from mistral_moe.improve import precision, selection

_KEPT_SHOWN = 3


def improve(context: StageContext) -> StageOutcome:
    """Runs the stage.

    Raises:
      UserError: settings that can't be; names the key.
    """
    with Verifier() as verifier:
        return _Improvement(context, verifier).run()


def _selection(section: ml_collections.ConfigDict) -> tuple[float, int, float]:
    return float(section.threshold), int(section.per_prompt), float(section.near_duplicates)


def _check_settings(context: StageContext) -> None:
    """Raises UserError where a setting can't be, before anything is sampled."""
    section = context.config.improve
    # Noise can't be told from one problem.
    checks.demand_at_least("improve", section, {"iterations": 1, "prompts": 1, "samples": 1, "check_problems": 2})
    if not 1 <= section.pass_k <= section.check_samples:
        raise UserError(
            f"improve.pass_k={section.pass_k} can't be told from improve.check_samples={section.check_samples}",
            "set it from 1 to improve.check_samples",
        )
    try:
        selection.select([], *_selection(section))
    except ValueError as error:
        raise UserError(str(error), "mend the section improve of the config") from error


def not_asked(context: StageContext, tokenizer: Tokenizer) -> frozenset[tuple[str, str]]:
    """What the iterations leave out: problems whose solution the model was shown, unless `improve.ask_shown`."""
    return frozenset() if context.config.improve.ask_shown else train_sft.taught_before(context, tokenizer)


class _Improvement:
    """One run of the stage: what every step needs, and where it leaves what it found."""

    def __init__(self, context: StageContext, verifier: Verifier):
        config, section = context.config, context.config.improve
        self._context, self._section, self._verifier = context, section, verifier
        _check_settings(context)
        model = models.mixture_config(config, reasoning=True)
        tokenizer = tokenizer_lib.load(context.input_folder("tokenizer") / MODEL_FILE)
        self._probabilities = probabilities_of(context, tokenizer)
        self._sampler = Sampler(model, tokenizer, int(config.train.seq_len), int(section.max_tokens))
        self._teacher = Teacher(context, section, model, tokenizer)
        drawing = Drawing(
            "improve",
            tuple(section.tasks),
            int(section.seed),
            self._sampler.fits,
            not_asked(context, tokenizer),
        )
        self._prompts, _ = drawing.in_turns([int(section.prompts)] * int(section.iterations), "train")
        (held_out,), _ = drawing.in_turns([int(section.check_problems)], "heldout")
        self._checker = checks.checker_of(context, section, self._sampler, verifier, held_out, int(section.pass_k))
        self._lineages: dict[str, dict[str, Any]] = {}
        self._digests: dict[str, str] = {}
        self._training = {"steps": 0, "tokens": 0, "flops": 0.0}

    def run(self) -> StageOutcome:
        """All of it."""
        section = self._section
        limits = loop.Limits(float(section.tolerance), float(section.max_loss_rise), float(section.min_answer_entropy))
        steps = loop.Steps(self._sample, self._teach, self._check, self._restore)
        result = loop.run(steps, self._restore(0), int(section.iterations), limits)
        return self._outcome(result, loop.figures(result.before, result.before, limits))

    def _outcome(self, result: loop.Result[dict], start: dict[str, Any]) -> StageOutcome:
        lineage = self._lineages[_name_of(result.iteration)]
        outputs = models.save(self._context.folder, result.model, lineage)
        if result.stopped:
            self._context.progress.note(result.stopped)
        records = _balance(result.iterations)
        extra = {
            "pass_at_1_before": result.before.mean,
            "pass_at_1_after": result.after.mean,
            "kept_share": records["out"] / records["in"] if records["in"] else 0.0,
            "iterations": result.iterations,
            "precision": _pooled([report["precision"] for report in result.iterations]),
            "start": start,
            "final_iteration": result.iteration,
            "stopped": result.stopped,
            "training": self._training,
        }
        return StageOutcome({**outputs, **self._context.hash_outputs(f"{accepted.FOLDER}/*.jsonl")}, extra, records)

    def _sample(self, iteration: int, params: dict, pool: Sequence[loop.Line]) -> loop.Sampled:
        """Samples and selects; what was kept before is read again instead."""
        path = self._context.folder / accepted.FOLDER / f"{iteration}.jsonl"
        marker = self._file(f"{iteration}.sampled.json")
        found = read_json_object(marker, "delete it: the iteration is sampled anew")
        if found is None:
            lines, report = self._sample_anew(iteration, params, pool)
            accepted.write(path, lines)
            found = {"sha256": sha256_file(path), "report": report}
            atomic_write_json(marker, found)
        elif not path.is_file() or sha256_file(path) != found["sha256"]:
            raise UserError(
                f"{path} is not what iteration {iteration} wrote",
                f"delete {self._context.folder} to make the stage anew",
            )
        return loop.Sampled(accepted.read(path), found["report"])

    def _sample_anew(
        self, iteration: int, params: dict, pool: Sequence[loop.Line]
    ) -> tuple[list[loop.Line], dict[str, Any]]:
        section, problems = self._section, self._prompts[iteration - 1]
        count, temperature = int(section.samples), float(section.temperature)
        row_seeds = seeds(int(section.seed), "train", iteration, len(problems) * count)
        drawn = self._sampler.sample(params, problems, count, temperature, row_seeds)
        try:
            judged = judge(self._verifier, drawn, self._probabilities)
        except ValueError as error:
            raise CheckFailed(f"iteration {iteration}: {error}", "train the reward model anew") from error
        known = [(line["problem"]["id"], line["completion"]) for line in pool]
        reasons = selection.select([one.candidate for one in judged], *_selection(section), known)
        origin = accepted.Origin(iteration, digest(params), temperature, float(section.threshold))
        lines = [accepted.line_of(one, origin) for one, reason in zip(judged, reasons) if not reason]
        report = {
            "prompts": len(problems),
            "samples": len(judged),
            "kept": len(lines),
            "rejected": dict(sorted(collections.Counter(filter(None, reasons)).items())),
            "kept_share": len(lines) / len(judged),
            "unfinished_share": sum(not one.sample.finished for one in judged) / len(judged),
            "precision": precision.at_thresholds(
                [one.quality for one in judged], [bool(one.verdict.correct) for one in judged]
            ),
            "examples": _examples(judged, reasons),
        }
        self._context.progress.note(f"iteration {iteration}: {len(lines)} of {len(judged)} completions accepted")
        return lines, report

    def _teach(self, iteration: int, params: dict, lines: Sequence[loop.Line]) -> tuple[dict, dict[str, Any]]:
        name, parent = _name_of(iteration), self._lineages[_name_of(iteration - 1)]
        epochs, done = float(self._section.epochs), self._training["steps"]
        params, self._lineages[name], figures = self._teacher.teach(name, params, parent, lines, epochs, done)
        self._digests[name] = figures["digest"]
        for what in self._training:
            self._training[what] += figures[what]
        return params, {what: figures[what] for what in ("steps", "example_rows", "digest")}

    def _check(self, iteration: int, params: dict) -> checks.Check:
        """What a model scores; measured once, for it is kept."""
        name = _name_of(iteration)
        check = self._checker.kept(self._file(f"{name}.checked.json"), params)
        self._context.progress.note(f"{name}: {checks.told(check)}")
        return check

    def _restore(self, iteration: int) -> dict:
        name, model = _name_of(iteration), self._sampler.config
        if iteration:
            return models.load(self._teacher.folder(name), model, self._digests[name])[0]
        stage = self._section.init
        recorded = self._context.input_manifest(stage)["outputs"][models.CHECKPOINTS]
        params, self._lineages[name] = models.load(self._context.input_folder(stage), model, recorded)
        return params

    def _file(self, name: str) -> pathlib.Path:
        return self._context.folder / "iterations" / name


def _name_of(iteration: int) -> str:
    """The run that an iteration's model comes out of."""
    return str(iteration) if iteration else "start"


def _examples(judged: Sequence[Judged], reasons: Sequence[str]) -> list[dict[str, str]]:
    """The first completions that were kept, and the first under each reason, for people to read."""
    found: dict[str, list[dict[str, str]]] = {}
    for one, reason in zip(judged, reasons):
        of_reason = found.setdefault(reason, [])
        if len(of_reason) < (_KEPT_SHOWN if not reason else 1):
            problem, completion = one.sample.problem.text, one.sample.text
            of_reason.append({"problem": problem, "completion": completion, "rejected": reason})
    return [example for _, examples in sorted(found.items()) for example in examples]


def _balance(reports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Completions in and out of all iterations, with the reason of each that was dropped."""
    dropped: collections.Counter[str] = collections.Counter()
    for report in reports:
        dropped.update(report["rejected"])
    return {
        "in": sum(report["samples"] for report in reports),
        "out": sum(report["kept"] for report in reports),
        "dropped": dict(sorted(dropped.items())),
        "quarantined": {},
    }


def _pooled(tables: Sequence[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Precision of all iterations together at each threshold."""
    found = []
    for rows in zip(*tables):
        kept, right = (sum(row[name] for row in rows) for name in ("kept", "correct"))
        found.append(
            {
                "threshold": rows[0]["threshold"],
                "kept": kept,
                "correct": right,
                "precision": right / kept if kept else None,
            }
        )
    return found

"""The stage `improve`: the loop of `launch.improve.loop` over a run's model, its verifier and its files."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
import pathlib
from typing import Any

import ml_collections

from data import tokenizer as tokenizer_lib
from data.verifiable.problem import Problem
from data.verifiable.verify import Verifier
from launch import corpora, models
from launch.errors import CheckFailed, UserError
from launch.improve import accepted, checks, drawing, loop
from launch.improve.quality import judge
from launch.improve.reward_quality import probabilities_of
from launch.improve.sampling import Sampler, seeds
from launch.improve.tuning import Teacher
from launch.stage import StageContext, StageOutcome
from launch.train_joint import learning_rates
from launch.train_tokenizer import MODEL_FILE
from launch.workdir import atomic_write_json, read_json_object, sha256_file
from mistral_moe.checkpoint import digest
from mistral_moe.improve import precision, selection
from mistral_moe.improve.rollback import why_worse

WARM_UP = "demonstrations"
_STAGES_WITH_REASONING = ("joint", "ppo")


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
    if section.init not in _STAGES_WITH_REASONING or section.init not in context.spec.needs:
        known = [stage for stage in _STAGES_WITH_REASONING if stage in context.spec.needs]
        raise UserError(f"improve.init is {section.init!r}", f"the stages to begin with are {', '.join(known)}")
    # Noise can't be told from one problem.
    for key, least in {"iterations": 1, "prompts": 1, "samples": 1, "check_problems": 2, "demonstrations": 0}.items():
        if int(section[key]) < least:
            raise UserError(f"improve.{key}={section[key]} is below {least}", f"set --config.improve.{key}={least}")
    if not 1 <= section.pass_k <= section.check_samples:
        raise UserError(
            f"improve.pass_k={section.pass_k} can't be told from improve.check_samples={section.check_samples}",
            "set it from 1 to improve.check_samples",
        )
    try:
        selection.select([], *_selection(section))
    except ValueError as error:
        raise UserError(str(error), "mend the section improve of the config") from error


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
        self._teacher = Teacher(context, model, tokenizer, learning_rates(section))
        counts = [int(section.demonstrations), *[int(section.prompts)] * int(section.iterations)]
        tasks, seed, fits = tuple(section.tasks), int(section.seed), self._sampler.fits
        self._demonstrations, *self._prompts = drawing.in_turns(tasks, counts, seed, "train", fits)
        (held_out,) = drawing.in_turns(tasks, [int(section.check_problems)], seed, "heldout", fits)
        self._checker = self._checker_of(held_out)
        self._lineages: dict[str, dict[str, Any]] = {}
        self._digests: dict[str, str] = {}
        self._training = {"steps": 0, "tokens": 0, "flops": 0.0}

    def run(self) -> StageOutcome:
        """All of it."""
        section = self._section
        limits = loop.Limits(float(section.tolerance), float(section.max_loss_rise), float(section.min_answer_entropy))
        steps = loop.Steps(self._sample, self._teach, self._check, self._restore)
        params = self._restore_input()
        start = self._checked("start", params)
        worse, warm_up = "", {}
        if self._demonstrations:
            params, warm_up, worse = self._demonstrate(params, start, limits)
        if worse:
            result = loop.Result(params, 0, start, start, [], f"the demonstrations were taken back: {worse}")
        else:
            result = loop.run(steps, params, int(section.iterations), limits, start.loss)
        name = "start" if worse else self._name_of(result.iteration)
        return self._outcome(result, name, loop.figures(start, start, limits), warm_up)

    def _outcome(
        self, result: loop.Result[dict], name: str, start: dict[str, Any], warm_up: dict[str, Any]
    ) -> StageOutcome:
        outputs = models.save(self._context.folder, result.model, self._lineages[name])
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
            "demonstrations": warm_up,
            "final_iteration": result.iteration,
            "stopped": result.stopped,
            "training": self._training,
        }
        return StageOutcome({**outputs, **self._context.hash_outputs(f"{accepted.FOLDER}/*.jsonl")}, extra, records)

    def _checker_of(self, problems: Sequence[Problem]) -> checks.Checker:
        context, section = self._context, self._section
        texts = {
            domain: [
                corpora.model_batch(batch)
                for batch in corpora.held_out(context, domain, int(section.heldout_rows), int(section.batch_size))
            ]
            for domain in context.config.domains
        }
        samples = int(section.check_samples)
        row_seeds = seeds(int(section.seed), "heldout", 0, len(problems) * samples)
        return checks.Checker(
            self._sampler,
            self._verifier,
            problems,
            samples,
            int(section.pass_k),
            float(section.temperature),
            row_seeds,
            texts,
        )

    def _demonstrate(self, params: dict, start: loop.Check, limits: loop.Limits) -> tuple[dict, dict[str, Any], str]:
        """Teaches worked solutions, which is no improvement by the model itself and told apart."""
        lines = [accepted.example(problem, problem.meta["solution"]) for problem in self._demonstrations]
        params, report = self._taught(WARM_UP, params, "start", lines, float(self._section.demonstration_epochs))
        check = self._checked(WARM_UP, params)
        worse = why_worse(
            start.pass_at_1, check.pass_at_1, limits.tolerance, start.loss, check.loss, limits.max_loss_rise
        )
        if worse:
            params = self._restore_input()
        # Its own start: the answers of a model that solves nothing are more varied than right ones are.
        figures = {"examples": len(lines), **report, **loop.figures(check, check, limits)}
        return params, {**figures, "rolled_back": bool(worse), "reason": worse}, worse

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
        }
        self._context.progress.note(f"iteration {iteration}: {len(lines)} of {len(judged)} completions accepted")
        return lines, report

    def _teach(self, iteration: int, params: dict, lines: Sequence[loop.Line]) -> tuple[dict, dict[str, Any]]:
        parent = self._name_of(iteration - 1)
        return self._taught(str(iteration), params, parent, lines, float(self._section.epochs))

    def _taught(
        self, name: str, params: dict, parent: str, lines: Sequence[loop.Line], epochs: float
    ) -> tuple[dict, dict[str, Any]]:
        params, self._lineages[name], figures = self._teacher.teach(
            name, params, self._lineages[parent], lines, epochs, self._training["steps"]
        )
        self._digests[name] = figures["digest"]
        for what in self._training:
            self._training[what] += figures[what]
        return params, {what: figures[what] for what in ("steps", "example_rows", "digest")}

    def _check(self, iteration: int, params: dict) -> loop.Check:
        return self._checked(self._name_of(iteration), params)

    def _checked(self, name: str, params: dict) -> loop.Check:
        """What a model scores; measured once, for it is kept."""
        path = self._file(f"{name}.checked.json")
        found = read_json_object(path, "delete it: the model is measured anew")
        if found is None:
            found = checks.to_json(self._checker.check(params))
            atomic_write_json(path, found)
        check = checks.of_json(found)
        told = f"pass@1 {check.mean:.3f}, pass@k {check.pass_at_k:.3f}, held-out loss {check.loss:.3f}"
        self._context.progress.note(f"{name}: {told}")
        return check

    def _restore(self, iteration: int) -> dict:
        name = self._name_of(iteration)
        if name == "start":
            return self._restore_input()
        return models.load(self._teacher.folder(name), self._sampler.config, self._digests[name])[0]

    def _restore_input(self) -> dict:
        stage = self._section.init
        recorded = self._context.input_manifest(stage)["outputs"][models.CHECKPOINTS]
        params, lineage = models.load(self._context.input_folder(stage), self._sampler.config, recorded)
        self._lineages["start"], self._digests["start"] = lineage, recorded
        return params

    def _name_of(self, iteration: int) -> str:
        """The run that an iteration's model comes out of."""
        return str(iteration) if iteration else WARM_UP if self._demonstrations else "start"

    def _file(self, name: str) -> pathlib.Path:
        return self._context.folder / "iterations" / name


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

"""Stage `sft`: worked solutions of problems that a program can check, taught to the joint model.

python -m launch.train_sft --config=experiments/demo.py --workdir=runs/demo

Reinforcement learning and self-improvement learn from right answers, and a model that gives none has nothing to learn
from. So it is shown some first: each as the training task `math_problem` or `code_generation` has it, mixed with the
run's own data. Measured before and after on problems and texts that are held out. docs/rlhf.md.
"""

from __future__ import annotations

import ml_collections

from data import tokenizer as tokenizer_lib
from data.tokenizer import Tokenizer
from data.verifiable.problem import Problem
from data.verifiable.verify import Verifier
from launch import cli
from launch import models
from launch import stages as stages_lib
from launch.stage import StageContext, StageOutcome
from launch.train_tokenizer import MODEL_FILE
from launch.tuning import checks
from launch.tuning.drawing import Drawing, asked
from launch.tuning.examples import line_of
from launch.tuning.sampling import Sampler, prompt_ids
from launch.tuning.teacher import Teacher

STAGE = "sft"


def demonstrations(config: ml_collections.ConfigDict, tokenizer: Tokenizer) -> tuple[list[Problem], int]:
    """The problems whose solutions are taught, and how many before the last of them the window has no room for.

    Raises:
      UserError: an unknown task, or there are fewer.
    """
    section, length = config.sft, int(config.train.seq_len)

    def fits(problem: Problem) -> bool:
        # The last token is the end, which is written and not read.
        solution = tokenizer.encode(problem.meta["solution"])
        return len(prompt_ids(tokenizer, problem)) + len(solution) <= length

    drawing = Drawing(STAGE, tuple(section.tasks), int(section.seed), fits)
    (problems,), left_out = drawing.in_turns([int(section.demonstrations)], "train")
    return problems, left_out


def taught_before(context: StageContext, tokenizer: Tokenizer) -> frozenset[tuple[str, str]]:
    """What the model that a stage begins with was shown in the stage `sft`, if it went through that (`drawing.asked`)."""
    if STAGE not in stages_lib.ancestors(context.spec.name, context.stages):
        return frozenset()
    return frozenset(map(asked, demonstrations(context.config, tokenizer)[0]))


def run(context: StageContext) -> StageOutcome:
    """Measures, teaches, and measures again."""
    with Verifier() as verifier:
        return _run(context, verifier)


def _run(context: StageContext, verifier: Verifier) -> StageOutcome:
    config, section = context.config, context.config.sft
    # Noise can't be told from one problem.
    checks.demand_at_least(STAGE, section, {"demonstrations": 1, "check_problems": 2, "check_samples": 1})
    model = models.mixture_config(config, reasoning=True)
    tokenizer = tokenizer_lib.load(context.input_folder("tokenizer") / MODEL_FILE)
    sampler = Sampler(model, tokenizer, int(config.train.seq_len), int(section.max_tokens))
    problems, left_out = demonstrations(config, tokenizer)
    held_out = Drawing(STAGE, tuple(section.tasks), int(section.seed), sampler.fits)
    (to_check,), _ = held_out.in_turns([int(section.check_problems)], "heldout")
    checker = checks.checker_of(context, section, sampler, verifier, to_check, int(section.check_samples))
    recorded = context.input_manifest("joint")["outputs"][models.CHECKPOINTS]
    params, parent = models.load(context.input_folder("joint"), model, recorded)
    before = checker.kept(context.folder / "checks" / "before.json", params)
    lines = [line_of(problem, problem.meta["solution"]) for problem in problems]
    params, lineage, training = Teacher(context, section, model, tokenizer).teach(
        "", params, parent, lines, float(section.epochs)
    )
    after = checker.kept(context.folder / "checks" / "after.json", params)
    context.progress.note(f"before: {checks.told(before)}; after: {checks.told(after)}")
    return StageOutcome(
        outputs=models.save(context.folder, params, lineage),
        extra={
            "before": checks.figures(before),
            "after": checks.figures(after),
            "held_out_loss_change": after.loss / before.loss - 1,
            "training": {name: value for name, value in training.items() if name != "digest"},
        },
        records={
            "in": len(problems) + left_out,
            "out": len(problems),
            "dropped": {"too_long": left_out} if left_out else {},
            "quarantined": {},
        },
    )


if __name__ == "__main__":
    cli.main(STAGE)

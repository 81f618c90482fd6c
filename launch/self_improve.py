"""Stage `improve`: the model's own completions that a verifier accepts, taught to it; taken back where it got worse.

python -m launch.self_improve --config=experiments/demo.py --workdir=runs/demo
python -m launch.self_improve --verify=runs/demo/improve      # replays every certificate of the accepted examples

Each iteration asks problems that were not asked before, keeps the completions whose quality is above 0.8, drops what is
alike or too much of one problem, and fine-tunes on the rest mixed with the run's own training data. It goes on only
while held-out pass@1 and the held-out loss hold. docs/self_improvement.md.
"""

from __future__ import annotations

import pathlib
import sys

from absl import flags

from launch import cli
from launch.errors import CheckFailed
from launch.stage import StageContext, StageOutcome


def run(context: StageContext) -> StageOutcome:
    """Runs the iterations, or goes on with them where they were interrupted."""
    from launch.improve.stage import improve  # --verify needs no JAX

    return improve(context)


def _verify() -> None:
    from data.verifiable.verify import Verifier
    from launch.improve import accepted

    folder = pathlib.Path(flags.FLAGS.verify)
    with Verifier() as verifier:
        count, failures = accepted.verify(folder, verifier)
    for failure in failures[:-1]:
        print(f"fails: {failure}")
    if failures:
        raise CheckFailed(failures[-1], f"{len(failures):,} of {count:,} accepted examples fail")
    print(f"{count:,} accepted examples, every certificate replays")


def main() -> None:
    """The stage, or with --verify the replay, which takes no config."""
    flags.DEFINE_string("verify", None, "Folder improve of a run: replay the certificates of its accepted examples.")
    if any(argument.lstrip("-").split("=")[0] == "verify" for argument in sys.argv[1:] if argument.startswith("-")):
        cli.command(_verify)
    cli.main("improve")


if __name__ == "__main__":
    main()

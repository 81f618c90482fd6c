"""PPO on the remainder of a number divided by 10, from answers that are right or wrong; from the demo's model, three seeds.

    cp -r runs/demo W && rm -r W/ppo W/improve W/eval W/report
    python -m launch.train_ppo --config=experiments/ppo_arithmetic.py --workdir=W --config.ppo.seed=0

It begins with the model of the stage sft, which was shown 512 worked solutions and none of the held-out problems. Seen on
2 CPU cores, 40 iterations of 512 answers, 200 held-out problems (standard error of a greedy share .035, of a drawn one .012):

    seed                                       0             1             2             mean gain, deviation
    held-out pass@1, greedy                    .285 -> .665  .300 -> .660  .285 -> .355  +.270  .173
    held-out pass@1, drawn at temperature 1    .141 -> .553  .156 -> .563  .129 -> .285  +.325  .147
    the one best answer to all                 .115          .120          .135
    KL from the start, nats an answer          5.63          5.07          2.41
    held-out language loss                     -4.6 %        -4.5 %        -4.7 %
    first ratio off 1, at most                 0             0             0

Seed 2 gains half of the 15 points that were meant when it is greedy, and 15.6 when it draws. The loss falls, as 12 rows of
the run's own text are rehearsed in every update; the stage sft had cost 4.8 %. A control with a reward of noise was not run.
docs/RESULTS.md has the curves.
"""

from ml_collections import ConfigDict

from experiments import demo


def get_config() -> ConfigDict:
    """Config of the proof: the demo's, with more and larger iterations."""
    config = demo.get_config()
    # The demo's 1024 teach greedy decoding nearly all of it, and leave nothing to show there.
    config.sft.demonstrations = 512
    config.ppo.update(
        iterations=80,
        prompts=32,
        samples=8,
        held_out_problems=200,
        evaluate_every=20,
        checkpoint_every=20,
        held_out_rows_per_level=16,
    )
    return config

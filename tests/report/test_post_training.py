"""The section of what followed the joint phase: what ran is told, what did not is left out, and nothing is taken for HTML."""

from mistral_moe.report import post_training
from mistral_moe.report.inputs import ReportInput

PPO = {
    "pass_at_1_before": 0.125,
    "pass_at_1_after": 0.5,
    "kl": 3.25,
    "held_out_loss_change": 0.012,
    "first_ratio_error": 2e-7,
    "findings": [{"name": "length_drift", "message": "longer <b>answers</b>"}],
}
ROWS = [{"step": step, "score": 0.1 * step, "kl": 0.2, "length": 9.0} for step in range(1, 5)]
IMPROVE = {
    "pass_at_1_before": 0.25,
    "pass_at_1_after": 0.375,
    "iterations": [
        {
            "iteration": 1,
            "kept": 40,
            "kept_share": 0.4,
            "pass_at_1": 0.375,
            "pass_at_k": 0.5,
            "held_out_loss": 1.25,
            "rejected": {"wrong": 60},
        },
        {
            "iteration": 2,
            "kept": 9,
            "kept_share": 0.1,
            "pass_at_1": 0.2,
            "pass_at_k": 0.5,
            "held_out_loss": 1.5,
            "rolled_back": True,
            "examples": [
                {"problem": "7 + 5", "completion": "Answer: <i>12", "rejected": ""},
                {"problem": "7 + 6", "completion": "Answer: 14", "rejected": "near_duplicate"},
            ],
        },
    ],
}
REWARD = {"heldout": {"accuracy": 0.75, "stderr": 0.02, "pairs": 400, "floors": {"bag_of_words": {"accuracy": 0.625}}}}


SFT = {
    "records": {"out": 1024},
    "before": {"pass_at_1": 0.0, "pass_at_k": 0.0, "greedy_pass_at_1": 0.0, "held_out_loss": 1.25},
    "after": {"pass_at_1": 0.5625, "pass_at_k": 0.875, "greedy_pass_at_1": 0.9375, "held_out_loss": 1.375},
    "held_out_loss_change": 0.1,
}


def test_nothing_ran_nothing_is_shown():
    assert post_training.section(ReportInput()).html == ""


def test_each_stage_is_told():
    run = ReportInput(
        metrics={"ppo": ROWS}, post_training={"sft": SFT, "ppo": PPO, "improve": IMPROVE, "reward": REWARD}
    )
    html = post_training.section(run).html
    for text in (
        "12.5",
        "50.0",
        "length drift",
        "longer &lt;b&gt;answers",
        "taken back",
        "60 wrong",
        "Answer: &lt;i&gt;12",
        "near duplicate",
        "0.625",
        "Bag of words",
        "1,024 worked solutions",
        "56.2",
        "1.375",
        "+10.0",
    ):
        assert text in html, text
    assert html.count("<svg") == 1


def test_a_stage_without_curves_still_has_its_figures():
    html = post_training.section(ReportInput(post_training={"ppo": PPO})).html
    assert (
        "<svg" not in html
        and "Reinforcement learning" in html
        and "Self-improvement" not in html
        and "Worked" not in html
    )


def test_the_curve_of_held_out_problems_begins_with_the_model_that_came_in():
    rows = [*ROWS[:3], ROWS[3] | {"pass_at_1": 0.5, "sampled_pass_at_1": 0.375}]
    measured = [{"iteration": 0, "value": 0.125, "sampled": 0.0625}, {"iteration": 4, "value": 0.5, "sampled": 0.375}]
    run = ReportInput(metrics={"ppo": rows}, post_training={"ppo": PPO | {"pass_at_1": measured}})
    html = post_training.section(run).html
    assert "Held-out pass@1, greedy 0.125 to 0.500" in html and "Held-out pass@1, drawn 0.062 to 0.375" in html

"""The report: what it says is what the run found, it loads nothing, and no text of a document becomes markup."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html.parser
import math
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from mistral_moe.report import heatmaps, plots, style, wording
from mistral_moe.report.inputs import DENSE, ReportInput
from mistral_moe.report.page import render

DOMAINS = ("code", "math", "language", "reasoning", "multimodal")
LEVELS = {
    "code": ("syntax_basics", "functions", "algorithms", "systems", "optimization"),
    "math": ("arithmetic", "algebra", "calculus", "proofs", "research"),
    "language": ("plain", "explanatory", "instructive", "technical", "scholarly"),
    "reasoning": ("one_step", "multi_step", "constraints", "search", "proof"),
    "multimodal": ("objects", "attributes", "counting", "relations", "charts"),
}
MIXTURES = ("mixture_after_mix", "mixture_after_router", "mixture_after_joint")
MODELS = ("seed", *(f"expert_{d}" for d in DOMAINS), DENSE, *MIXTURES, "oracle")
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
HOSTILE = "</pre><script>alert('a')</script><img src=x onerror=alert(1)> & $x_1$ \"quoted\""
VOID = {"meta", "link", "img", "br", "rect", "path", "use"}


def curve(rng, steps, start, end, **extra):
    rows = []
    for step in range(0, steps, 5):
        loss = end + (start - end) * math.exp(-4 * step / steps) + rng.normal(0, 0.04)
        rows.append({"step": step, "loss": loss, **{key: value(step / steps) for key, value in extra.items()}})
    return rows


def sample_run() -> ReportInput:
    rng = np.random.default_rng(0)
    base = dict(zip(DOMAINS, (1.62, 1.18, 2.31, 1.40, 1.09), strict=True))
    factor = {
        "seed": 1.3,
        DENSE: 1.045,
        "mixture_after_mix": 1.31,
        "mixture_after_router": 1.11,
        "mixture_after_joint": 1.006,
        "oracle": 0.97,
    }
    losses = {
        model: {
            d: base[d] * (factor.get(model) or (1.0 if model == f"expert_{d}" else 1.42)) * (1 + rng.normal(0, 0.008))
            for d in DOMAINS
        }
        for model in MODELS
    }
    phases = ("experts", "router", "reasoning", "end_to_end")
    joint = [row | {"phase": phases[min(3, index * 4 // 60)]} for index, row in enumerate(curve(rng, 300, 1.66, 1.50))]
    shares = {
        model: {d: [list(rng.dirichlet(0.7 + sharp * np.eye(5)[i])) for _ in range(4)] for i, d in enumerate(DOMAINS)}
        for model, sharp in zip(MIXTURES, (0, 9, 14), strict=True)
    }
    for layers in shares["mixture_after_router"].values():
        layers[:] = [layers[0]] * 4
    curriculum = {}
    for d in DOMAINS:
        pace = rng.uniform(0.7, 1.05)
        rows = []
        for step in range(0, 400, 10):
            performance = min(0.99, pace * (1 - math.exp(-3 * step / 400)) + rng.normal(0, 0.01))
            level = max(0, min(int(performance * 5), 4))
            weights = [0.25 / max(level, 1) if n < level else float(n == level) for n in range(5)]
            rows.append({"step": step, "level": level, "performance": performance, "weights": weights})
        curriculum[d] = rows
    checks = [
        {"name": "mixture_beats_seed_on_every_domain", "passed": True, "detail": "21.4 % below on code, at least"},
        {"name": "mixture_within_2_percent_of_own_expert", "passed": False, "detail": "math 2.6 % above its expert"},
        {"name": "mixture_beats_every_expert_on_mean", "passed": True, "detail": "1.529 against 1.960 (code expert)"},
    ]
    samples = [
        {
            "domain": "code",
            "prompt": "def mean(values):\n    ",
            "completions": {m: "return sum(values) / len(values)\n" for m in MODELS[:-1]},
        },
        {
            "domain": "math",
            "prompt": "Solve 3x + 4 = 19.",
            "completions": {m: "3x = 15, so x = 5." for m in MODELS[:-1]},
        },
        {"domain": "language", "prompt": HOSTILE, "completions": {"mixture_after_joint": HOSTILE}},
    ]
    seconds = {
        "data": 41.3,
        "tokenizer": 6.2,
        "seed": 201.0,
        "experts": 188.4,
        "mix": 1.1,
        "router": 62.0,
        "joint": 95.2,
        "dense": 140.9,
        "evaluate": 37.5,
    }
    flops = {
        "seed": 3.1e13,
        **{f"experts/{d}": 6.2e12 for d in DOMAINS},
        "router": 2.4e12,
        "joint": 1.3e13,
        "dense": 4.6e13,
    }
    return ReportInput(
        config_name="experiments/demo.py",
        config_hash="5f2c9a71b0de",
        command="make demo",
        results={
            "held_out_loss": losses,
            "held_out_loss_mean": {model: sum(of.values()) / 5 for model, of in losses.items()},
            "oracle_regret": {
                grain: {
                    m: {d: scale * f * (1 + rng.normal(0, 0.1)) for d in DOMAINS}
                    for m, f in zip(MIXTURES, (0.5, 0.16, 0.03), strict=True)
                }
                for grain, scale in (("window_64", 1.0), ("token", 1.7))
            },
            "expert_utilisation": shares,
            "expert_names": list(DOMAINS),
            "forced_expert_loss": {m: {e: losses[f"expert_{e}"] for e in DOMAINS} for m in MIXTURES[::2]},
            "training_flops": flops,
            "training_tokens": {
                "seed": 1_228_800,
                **{f"experts/{d}": 245_760 for d in DOMAINS},
                "router": 153_600,
                "joint": 307_200,
                "dense": 1_900_000,
            },
            "checks": checks,
            "samples": samples,
        },
        metrics={
            "seed": curve(rng, 600, 8.3, 2.0),
            **{f"experts/{d}": curve(rng, 400, base[d] * 1.3, base[d]) for d in DOMAINS},
            "router": curve(
                rng,
                150,
                1.61,
                0.42,
                cross_entropy=lambda t: 1.6 - 1.1 * t,
                balance=lambda t: 1.2 - 0.1 * t,
                regret_window_64=lambda t: 0.5 - 0.33 * t,
            ),
            "joint": joint,
            "dense": curve(rng, 700, 2.0, 1.58),
        },
        curriculum=curriculum,
        level_names=LEVELS,
        stages={
            stage: {
                "seconds": took,
                "started": "2026-01-05T10:00:00Z",
                "finished": "2026-01-05T10:14:02Z",
                "peak_rss_bytes": 2.6e9,
            }
            for stage, took in seconds.items()
        },
        data={
            d: {
                level: {
                    "documents": 900 - 120 * n,
                    "bytes": 410_000 + 9_000 * n,
                    "heldout_documents": 40,
                    "licences": {"PSF-2.0": 700 - 100 * n, "MIT": 200 - 20 * n},
                }
                for n, level in enumerate(LEVELS[d])
            }
            for d in DOMAINS
        },
        dropped={d: {"near_duplicate": 112, "too_short": 47, "licence_unknown": 9} for d in DOMAINS},
        versions={"jax": "0.10.2", "flax": "0.12.1", "python": "3.11.7"},
        model_card={"parameters": "4.2 M, 1.7 M of them active", "layers": "4", "width": "192", "vocabulary": "4,096"},
        images=[("A red circle left of a blue square", PIXEL), (HOSTILE, PIXEL), ("not an image", b"GIF89a")],
    )


class Audit(html.parser.HTMLParser):
    """Walks a page: holds tags balanced and ids unique, and notes what would load or run."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.tags, self.handlers, self.addresses, self.texts = [], [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for key, value in attrs:
            if key == "id":
                self.ids.append(value)
            if key.startswith("on"):
                self.handlers.append((tag, key))
            if key in ("src", "href", "xlink:href", "srcset", "action", "data", "poster"):
                self.addresses.append((tag, value))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing at {self.getpos()}"

    def handle_data(self, data):
        self.texts.append(data)


def audit(page: str) -> Audit:
    walked = Audit()
    walked.feed(page)
    walked.close()
    return walked


@pytest.fixture(scope="module")
def run():
    return sample_run()


@pytest.fixture(scope="module")
def page(run):
    return render(run)


def svgs(page: str) -> list[str]:
    return re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)


def table_rows(page: str, caption: str) -> dict[str, list[str]]:
    table = next(t for t in re.findall(r"<table>.*?</table>", page, flags=re.DOTALL) if caption in t)
    rows = {}
    for row in re.findall(r"<tr.*?</tr>", table, flags=re.DOTALL):
        cells = [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, flags=re.DOTALL)]
        rows[cells[0]] = cells[1:]
    return rows


def test_the_page_is_balanced_html_with_unique_ids_and_no_dead_anchor(page):
    walked = audit(page)
    assert walked.open == []
    assert len(walked.ids) == len(set(walked.ids))
    anchors = {value[1:] for _, value in walked.addresses if value and value.startswith("#")}
    assert anchors <= set(walked.ids)
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(walked.ids)


def test_nothing_is_loaded_from_elsewhere(page):
    walked = audit(page)
    assert not {"script", "iframe", "object", "embed"} & set(walked.tags)
    assert walked.handlers == []
    assert [a for tag, a in walked.addresses if not (a.startswith(("#", "data:")) or tag == "a")] == []
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    assert "default-src 'none'" in page


def test_text_of_documents_and_models_never_becomes_markup(page):
    walked = audit(page)
    assert "<script" not in page
    assert page.count("<img src=x") == 0
    assert walked.tags.count("img") == 2  # the two PNGs; what is no PNG is left out
    assert walked.texts.count(HOSTILE) == 3  # prompt, completion and the image's caption, whole


def test_hostile_names_survive_in_plots_and_tables(run):
    name = 'a<b>&"$x$'
    losses = {**run.held_out_loss, name: dict.fromkeys((*DOMAINS, name), 3.25)}
    hostile = dataclasses.replace(
        run,
        results={**run.results, "held_out_loss": losses},
        curriculum={name: run.curriculum["code"]},
        stages={name: {"seconds": 3}},
    )
    page = render(hostile)
    walked = audit(page)
    assert walked.open == []
    assert name in "".join(walked.texts)
    for drawn in svgs(page):
        ElementTree.fromstring(drawn)


def test_every_plot_is_well_formed_and_described(page):
    drawn = svgs(page)
    # family, loss map, 2 single curves, experts, router, joint, 5 curricula, 3 utilisations, regret, 2 forced, operations
    assert len(drawn) == 19
    for text in drawn:
        root = ElementTree.fromstring(text)
        title, description = root[0], root[1]
        assert title.tag.endswith("title") and title.text
        assert description.tag.endswith("desc") and description.text
        assert root.get("aria-labelledby").split() == [title.get("id"), description.get("id")]
        assert "#5a0" not in re.sub(r"<text.*?</text>", "", text), "a stand-in colour was left"


@pytest.mark.slow
def test_the_same_run_gives_the_same_bytes_in_any_process(page):
    here = pathlib.Path(__file__).parent
    code = (  # another process has other hash seeds; other global settings must not show either
        "import hashlib, sys, matplotlib; matplotlib.rcParams.update({'font.size': 30, 'svg.fonttype': 'path'});"
        "sys.path[:0] = sys.argv[1:]; from test_report import sample_run; from mistral_moe.report.page import render;"
        "print(hashlib.sha256(render(sample_run()).encode()).hexdigest())"
    )
    command = [sys.executable, "-c", code, str(here), str(here.parents[1])]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == hashlib.sha256(page.encode()).hexdigest()


def test_the_table_holds_the_runs_own_figures(run, page):
    rows = table_rows(page, "nats per token; the best")
    means = run.held_out_loss_mean
    for model, losses in run.held_out_loss.items():
        cells = rows[wording.name(model)]
        assert cells[:6] == [f"{losses[d]:.3f}" for d in DOMAINS] + [f"{means[model]:.3f}"]
        if model not in ("seed", DENSE):
            change = 100 * (means[model] / means["seed"] - 1)
            assert cells[6].replace("\u2212", "-") == f"{change:+.1f}\u00a0%"
    against_own = table_rows(page, "relative difference")["against each domain\u2019s own expert"]
    joint = run.held_out_loss["mixture_after_joint"]
    for domain, cell in zip(DOMAINS, against_own[:5], strict=True):
        change = 100 * (joint[domain] / run.held_out_loss[f"expert_{domain}"][domain] - 1)
        assert cell == f"{change:+.1f}\u00a0%".replace("-", "\u2212")


def test_the_oracle_is_never_the_best_model(run, page):
    table = next(t for t in re.findall(r"<table>.*?</table>", page, flags=re.DOTALL) if "the best of each column" in t)
    bound = next(row for row in table.split("<tr") if "Oracle" in row)
    assert 'class="best"' not in bound
    assert table.count('class="best"') == len(DOMAINS) + 1
    means = run.held_out_loss_mean
    drawn = heatmaps.loss_heat_map(run.held_out_loss, means, DOMAINS)
    real = [model for model in MODELS if model != "oracle"]
    best = [min(run.held_out_loss[m][d] for m in real) for d in DOMAINS] + [min(means[m] for m in real)]
    assert sorted(re.findall(r">([\d.]+) \u2605<", drawn)) == sorted(f"{loss:.3f}" for loss in best)


def test_the_headline_says_which_side_of_the_yardsticks_the_mixture_is_on(run, page):
    lead = re.search(r'<p class="lead">(.*?)</p>', page)[1]
    assert "below the seed" in lead and "below a dense model" in lead
    worse = {**run.held_out_loss, DENSE: dict.fromkeys(DOMAINS, 0.5), "seed": dict.fromkeys(DOMAINS, 0.25)}
    lead = re.search(r'<p class="lead">(.*?)</p>', render(ReportInput(results={"held_out_loss": worse})))[1]
    assert "above the seed" in lead and "above a dense model" in lead


def test_a_failed_check_comes_first_and_is_counted(page):
    listed = re.search(r'<ul class="checks">(.*?)</ul>', page)[1]
    assert [word for word in re.findall("passed<|failed<", listed)] == ["failed<", "passed<", "passed<"]
    assert "2 of 3" in page and "math 2.6 % above its expert" in page


def test_an_empty_run_is_a_page_that_says_what_is_missing():
    page = render(ReportInput())
    assert audit(page).open == []
    assert svgs(page) == []
    missing = re.search(r'<p class="absent">(.*?)</p>', page)[1]
    for title in ("Checks", "Held-out loss", "Learning", "From easy to hard", "What it read"):
        assert title in missing


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(ReportInput)])
def test_each_part_can_be_absent_alone(run, field):
    quick = dataclasses.replace(
        run,
        results={key: run.results[key] for key in ("checks", "samples")},
        metrics={"seed": run.metrics["seed"]},
        curriculum={"code": run.curriculum["code"]},
    )
    walked = audit(render(dataclasses.replace(quick, **{field: getattr(ReportInput(), field)})))
    assert walked.open == []


def test_broken_figures_are_shown_as_absent():
    losses = {"seed": {"code": float("nan"), "math": 2.0}, "mixture_after_joint": {"code": None, "math": 1.0}}
    metrics = {
        "seed": [{"step": 0, "loss": None}, {"step": 1, "loss": float("inf")}],
        "router": [{"step": 0, "loss": 1.0}],
    }
    page = render(ReportInput(results={"held_out_loss": losses, "held_out_loss_mean": {"seed": None}}, metrics=metrics))
    assert table_rows(page, "nats per token; the best")["Seed"][:2] == [wording.ABSENT, "2.000"]
    assert 'id="loss-seed' not in page and 'id="loss-router' in page
    assert "nan" not in re.sub(r"<style>.*?</style>", "", page).lower()


def test_layers_that_share_one_decision_share_one_map(run):
    shares = run.results["expert_utilisation"]
    shared = heatmaps.utilisation("one", "t", shares["mixture_after_router"], DOMAINS)
    apart = heatmaps.utilisation("four", "t", shares["mixture_after_joint"], DOMAINS)
    assert "All layers" in shared and "Layer 1" not in shared
    assert all(f"Layer {n}" in apart for n in (1, 2, 3, 4)) and "All layers" not in apart


def test_joint_phases_are_told_in_order(run):
    spans = plots.phases(run.metrics["joint"])
    assert [phase for phase, *_ in spans] == ["experts", "router", "reasoning", "end_to_end"]
    assert "experts, router, reasoning, end to end" in plots.joint_curve(run.metrics["joint"])


def test_smoothing_keeps_constants_and_means_what_it_says():
    np.testing.assert_allclose(plots.smooth(np.full(7, 3.0)), 3.0)
    np.testing.assert_allclose(plots.smooth(np.array([0.0, 3.0, 6.0])), [1.5, 3.0, 4.5])


def test_text_on_heat_maps_can_be_read_in_both_themes():
    for step in range(style.HEAT_STEPS + 1):
        for side in (0, 1):
            assert style.contrast(style.PALETTE[f"heat_{step}"][side], style.PALETTE[f"heat_ink_{step}"][side]) >= 4.4
    for ink in ("ink", "soft", "accent", "good", "bad"):
        for side in (0, 1):
            assert style.contrast(style.PALETTE[ink][side], style.PALETTE["card"][side]) >= 4.5


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (wording.duration(200), "3 min 20 s"),
        (wording.duration(7199.9), "2 h"),
        (wording.duration(59.7), "1 min"),
        (wording.duration(0.42), "0.4 s"),
        (wording.duration(9.97), "10 s"),
        (wording.duration(7500), "2 h 5 min"),
        (wording.duration(90000), "1 d 1 h"),
        (wording.count(12_345_678), "12.3 M"),
        (wording.count(950), "950"),
        (wording.count(999_700), "1 M"),
        (wording.count(0), "0"),
        (wording.size(512), "512 B"),
        (wording.size(2.6e9), "2.6 GB"),
        (wording.flops(1.234e15), "1.23 PFLOP"),
        (wording.percent(-0.0321, signed=True), "\u22123.2 %"),
        (wording.percent(-0.0001, signed=True), "0.0 %"),
        (wording.percent(0.05, signed=True), "+5.0 %"),
        (wording.nats(1.23449), "1.234"),
        (wording.nats(None), wording.ABSENT),
        (wording.name("expert_code"), "Code expert"),
        (wording.stage("experts/math"), "Math expert"),
        (wording.grain("window_64"), "per window of 64 tokens"),
    ],
)
def test_numbers_are_said_as_a_person_would(said, expected):
    assert said.replace("\u00a0", " ") == expected


def test_the_package_touches_neither_tensorflow_nor_pyplot():
    root = pathlib.Path(__file__).parents[2]
    code = (
        "import sys, mistral_moe.report.page;"
        "print([m for m in ('tensorflow', 'matplotlib.pyplot', 'absl.flags', 'data', 'launch') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert answer.stdout.strip() == "[]"


def test_each_task_has_its_curve_where_tasks_were_logged(page):
    rows = [
        {"step": step, "loss": 1.0, "task_loss/translation": 2 - step / 100, "task_loss/causal_lm": 1.5}
        for step in range(0, 100, 10)
    ]
    assert plots.tasks_of(rows) == ["causal_lm", "translation"]
    drawn = plots.task_curves("tasks-seed", "Seed", rows)
    assert "translation" in drawn and "causal lm" in drawn
    run = sample_run()
    drawn = render(dataclasses.replace(run, metrics={**run.metrics, "seed": rows}))
    assert "Each task by itself" in drawn and "Each task by itself" not in page

"""TRL's side of `benchmarks.rl_peer`, seen from here: it is started, its answers are judged, its figures taken down.

The other end is `benchmarks/rl_trl.py`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import subprocess
import tempfile
from typing import Any

import jax
import numpy as np

from benchmarks import rl_start
from benchmarks.rl_ours import ANSWER_TOKENS, FORMAT_WEIGHT, MEASURED_SAMPLES, Exam, Terms
from data.tokenizer import Tokenizer
from data.verifiable.problem import Problem
from data.verifiable.verify import Verifier
from launch.rl import prompts as prompts_lib
from launch.rl.prompts import Asked
from mistral_moe.rl import policy
from mistral_moe.rl.rollout import make_rollout

_PEER = pathlib.Path(__file__).with_name("rl_trl.py")
_MODULES = ("trl", "torch", "transformers", "datasets")


def what_lacks(python: str) -> str:
    """What an interpreter lacks to run the peer, with the way to mend it; "" where it has all."""
    wanted = ", ".join(_MODULES)
    try:
        done = subprocess.run([python, "-c", f"import {wanted}"], capture_output=True, text=True)
        wrong = done.stderr.strip().splitlines()[-1:] if done.returncode else []
    except OSError as error:
        wrong = [str(error)]
    if not wrong:
        return ""
    return (
        f"{python} can't import {wanted} ({wrong[0]}): python3 -m venv TRL && TRL/bin/pip install trl torch==2.13.0, "
        "then --peer_python=TRL/bin/python"
    )


def probes(start: rl_start.Start, problems: list[Problem]) -> list[dict[str, list]]:
    """What our model thinks of some solutions, for the peer to check that it has the same weights."""
    found, read = [], jax.jit(policy.read, static_argnums=0)
    params = start.params()
    for problem in problems:
        solution = [*start.tokenizer.encode(problem.meta["solution"]).tolist(), start.tokenizer.eos_id]
        ids = [*prompts_lib.encode(start.tokenizer, problem.parts), *solution]
        rollout = make_rollout([ids[:1]], [ids[1:]], [True], len(ids))
        log_probs = read(start.config, params, rollout).log_probs
        found.append({"ids": ids, "log_probs": np.asarray(log_probs)[0, 1:].tolist()})
    return found


def peer(
    terms: Terms, seed: int, start: rl_start.Start, train: list[Asked], exam: Exam, verifier: Verifier, python: str
) -> dict[str, Any]:
    """The same with TRL, in the environment of an interpreter."""
    order = [
        train[index]
        for iteration in range(terms.iterations)
        for index in prompts_lib.of_iteration(len(train), terms.prompts, seed, iteration)
    ]
    tokenizer = start.tokenizer
    settings = {
        "model": str(start.folder.resolve()),
        "seed": seed,
        "threads": len(os.sched_getaffinity(0)),
        "probes": probes(start, [one.problem for one in train[:4]]),
        "train": [one.ids for one in order],
        "exam": [one.ids for one in exam.asked],
        "exam_samples": MEASURED_SAMPLES,
        "bos": tokenizer.bos_id,
        "eos": tokenizer.eos_id,
        "max_tokens": ANSWER_TOKENS,
        **dataclasses.asdict(terms),
    }
    found: dict[str, Any] = {"curve": []}
    ends = {"seconds": [0.0], "processor": [0.0], "rollout": [0.0]}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "settings.json").write_text(json.dumps(settings))
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [python, str(_PEER), name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
            kind = ""
            for line in process.stdout:
                message = json.loads(line)
                kind, reply = message["kind"], None
                if kind == "reward":
                    reply = _rewards(message, order, tokenizer, verifier)
                elif kind == "iteration":
                    for clock, readings in ends.items():
                        readings.append(message[clock])
                elif kind == "measured":
                    solved = exam.solved([tokenizer.decode(ids) for ids in message["answers"]])
                    found["curve"].append(terms.point("trl", message["iteration"], solved, message["seconds"]))
                elif kind == "started":
                    found |= {key: message[key] for key in ("versions", "experts", "apart")}
                process.stdin.write(json.dumps(reply) + "\n")
                process.stdin.flush()
            process.wait()
        if kind != "done":
            raise RuntimeError(f"TRL's side ended early:\n{(folder / 'log').read_text()[-4000:]}")
    seconds, processor, rollout = (np.diff(readings).tolist() for readings in ends.values())
    return found | {"iterations": seconds, "processor": processor, "rollout": rollout}


def _rewards(message: dict, order: list[Asked], tokenizer: Tokenizer, verifier: Verifier) -> list[float]:
    verdicts = [
        verifier.score(order[index].problem, tokenizer.decode(ids))
        for index, ids in zip(message["index"], message["answers"], strict=True)
    ]
    return [verdict.correct + FORMAT_WEIGHT * verdict.format for verdict in verdicts]

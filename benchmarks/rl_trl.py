"""TRL's side of `benchmarks.rl_peer`: its GRPOTrainer, in a process and an environment of its own.

    PYTHON benchmarks/rl_trl.py FOLDER

PYTHON has trl, transformers, torch and datasets, and needs nothing of ours. FOLDER holds `settings.json`. Answers go to
the parent as a line of JSON on standard output, which judges them and replies with a line of JSON on standard input;
what the libraries print goes to standard error.

A prompt is ids. TRL wants text and a tokenizer, so a text here is the ids' names, `<1><3><77>`, and every call of
`generate` is held against the prompts that were meant: one that reads anything else ends the run.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import sys
import time
from typing import Any

# Before torch: OpenMP threads must not spin at barriers while the parent works.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import datasets
import torch
import transformers
import trl

_NAME = re.compile(r"<(\d+)>")
# Rows that are read for the check of weights agree to this many nats.
_TOLERANCE = 1e-3
_MEASURED_TOGETHER = 256


class Parent:
    """The process that started this one."""

    def __init__(self) -> None:
        """Takes standard output for itself: what else is written there goes to standard error."""
        self._out = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def ask(self, kind: str, **content: Any) -> Any:
        """Sends a message and waits for the reply."""
        self._out.write(json.dumps({"kind": kind, **content}) + "\n")
        self._out.flush()
        return json.loads(sys.stdin.readline())


def _clocks() -> tuple[float, float]:
    """Seconds on the wall, and of the processor."""
    return time.monotonic(), time.process_time()


def text_of(ids: list[int]) -> str:
    """The text that `Ids` reads as these ids."""
    return "".join(f"<{number}>" for number in ids)


class Ids(transformers.PreTrainedTokenizer):
    """A tokenizer whose texts are names of ids."""

    model_input_names = ["input_ids", "attention_mask"]

    def __init__(self, size: int, bos: int, eos: int):
        self._size = size
        names = {"bos_token": f"<{bos}>", "eos_token": f"<{eos}>", "pad_token": "<0>", "unk_token": "<0>"}
        super().__init__(**names, padding_side="left")

    @property
    def vocab_size(self) -> int:
        return self._size

    def get_vocab(self) -> dict[str, int]:
        return {f"<{number}>": number for number in range(self._size)}

    def _tokenize(self, text: str, **kwargs: Any) -> list[str]:
        return [match.group() for match in _NAME.finditer(text)]

    def _convert_token_to_id(self, token: str) -> int:
        return int(_NAME.fullmatch(token).group(1))

    def _convert_id_to_token(self, index: int) -> str:
        return f"<{index}>"

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        return "".join(tokens)


def left_padded(prompts: list[list[int]]) -> dict[str, torch.Tensor]:
    """Prompts as `generate` reads them."""
    width = max(map(len, prompts))
    ids = torch.tensor([[0] * (width - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    return {"input_ids": ids, "attention_mask": mask}


def answers_of(tokens: torch.Tensor, eos: int) -> list[list[int]]:
    """Drawn ids up to the end of each answer, without it."""
    return [row[: row.index(eos)] if eos in row else row for row in tokens.tolist()]


class Checked:
    """`model.generate`, which keeps what it was asked and how long it took."""

    def __init__(self, generate: Any):
        self._generate, self.seconds, self.prompts = generate, 0.0, []

    def __call__(self, **arguments: Any) -> Any:
        mask = arguments["attention_mask"].bool()
        self.prompts = [row[kept].tolist() for row, kept in zip(arguments["input_ids"], mask)]
        began = time.monotonic()
        found = self._generate(**arguments)
        self.seconds += time.monotonic() - began
        return found


def check_weights(model: torch.nn.Module, probes: list[dict[str, list]]) -> float:
    """Holds the model's log-probabilities against the other side's; returns the largest difference, nats."""
    worst = 0.0
    for probe in probes:
        ids = torch.tensor([probe["ids"]])
        with torch.no_grad():
            log_probs = torch.log_softmax(model(input_ids=ids).logits[0, :-1].float(), dim=-1)
        own = log_probs.gather(-1, ids[0, 1:, None])[:, 0]
        worst = max(worst, float((own - torch.tensor(probe["log_probs"])).abs().max()))
    if not worst <= _TOLERANCE:
        raise SystemExit(f"the sides' models differ: {worst:.2e} nats apart on the same tokens")
    return worst


def fastest_experts(model: torch.nn.Module, prompts: list[list[int]], rows: int, tokens: int) -> str:
    """Sets and names the implementation of the experts that draws and learns fastest here, by one short try of each."""
    took = {}
    for name in ("eager", "grouped_mm", "batched_mm"):
        model.set_experts_implementation(name)
        for _ in range(2):  # the first warms up
            began = time.monotonic()
            model.generate(**left_padded(prompts), do_sample=True, max_new_tokens=tokens)
            ids = torch.randint(3, model.config.vocab_size, (rows, len(prompts[0]) + tokens))
            for _ in range(2):
                model(input_ids=ids, labels=ids).loss.backward()
            took[name] = time.monotonic() - began
        model.zero_grad(set_to_none=True)
    best = min(took, key=took.get)
    model.set_experts_implementation(best)
    return best


class Watch(transformers.TrainerCallback):
    """Tells the parent of iterations and of answers to held-out problems; measuring doesn't count as time."""

    def __init__(self, parent: Parent, settings: dict[str, Any]):
        self._parent, self._settings = parent, settings
        self._began = self._measuring = (0.0, 0.0)
        self.updates = settings["epochs"] * settings["prompts"] * settings["samples"] // settings["minibatch"]
        self.trainer: trl.GRPOTrainer | None = None
        self.generate: Checked | None = None

    def on_train_begin(self, args, state, control, **kwargs):
        self._measure(0, 0.0)
        self._began, self._measuring = _clocks(), (0.0, 0.0)

    def on_step_end(self, args, state, control, **kwargs):
        iteration, within = divmod(state.global_step, self.updates)
        if within:
            return
        seconds, processor = (
            now - began - measuring for now, began, measuring in zip(_clocks(), self._began, self._measuring)
        )
        self._parent.ask(
            "iteration", iteration=iteration, seconds=seconds, processor=processor, rollout=self.generate.seconds
        )
        if iteration % self._settings["every"] == 0:
            self._measure(iteration, seconds)

    def _measure(self, iteration: int, seconds: float) -> None:
        began, model, found = _clocks(), self.trainer.model, []
        asked = [ids for ids in self._settings["exam"] for _ in range(self._settings["exam_samples"])]
        with torch.random.fork_rng(), torch.no_grad():
            # The same at every measurement: what differs is the policy.
            torch.manual_seed(self._settings["seed"])
            for start in range(0, len(asked), _MEASURED_TOGETHER):
                batch = left_padded(asked[start : start + _MEASURED_TOGETHER])
                # The function itself: what it takes is not the training's.
                tokens = type(model).generate(model, **batch, generation_config=self.trainer.generation_config)
                found += answers_of(tokens[:, batch["input_ids"].shape[1] :], self._settings["eos"])
        self._parent.ask("measured", iteration=iteration, answers=found, seconds=seconds)
        took = (now - then for now, then in zip(_clocks(), began))
        self._measuring = tuple(map(sum, zip(self._measuring, took)))


def train(settings: dict[str, Any], folder: pathlib.Path, parent: Parent) -> None:
    """Runs GRPO on the settings' prompts, in their order."""
    torch.set_num_threads(settings["threads"])
    model = transformers.AutoModelForCausalLM.from_pretrained(settings["model"], dtype=torch.float32)
    apart = check_weights(model, settings["probes"])
    experts = fastest_experts(model, settings["exam"][:64], settings["minibatch"], settings["max_tokens"])
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.endswith(".gate.weight"))  # the router's
    versions = {library.__name__: library.__version__ for library in (trl, transformers, torch)}
    parent.ask("started", versions=versions, experts=experts, apart=apart)
    watch, prompts, eos = Watch(parent, settings), settings["train"], settings["eos"]

    def reward(prompts: list[str], completion_ids: list[list[int]], index: list[int], **kwargs: Any) -> list[float]:
        meant = [settings["train"][place] for place in index]
        if watch.generate.prompts != meant:
            raise SystemExit("the model was asked other ids than those of the prompts")
        drawn = [ids[:-1] if ids and ids[-1] == eos else ids for ids in completion_ids]
        return parent.ask("reward", index=index, answers=drawn)

    trainer = trl.GRPOTrainer(
        model=model,
        reward_funcs=reward,
        args=trl.GRPOConfig(
            output_dir=str(folder / "trl"),
            seed=settings["seed"],
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            per_device_train_batch_size=settings["minibatch"],
            gradient_accumulation_steps=1,
            generation_batch_size=settings["prompts"] * settings["samples"],
            num_generations=settings["samples"],
            num_iterations=settings["epochs"],
            max_steps=settings["iterations"] * watch.updates,
            shuffle_dataset=False,
            max_completion_length=settings["max_tokens"],
            temperature=1.0,
            top_p=1.0,
            top_k=0,
            learning_rate=settings["rate"],
            lr_scheduler_type="constant",
            weight_decay=0.0,
            adam_beta1=0.9,
            adam_beta2=0.999,
            adam_epsilon=1e-5,
            max_grad_norm=1.0,
            beta=settings["beta"],
            epsilon=settings["clip"],
            loss_type="grpo",
            scale_rewards="group",
            # Its KL is then the plain k3, as in the paper.
            use_bias_correction_kl=False,
            mask_truncated_completions=False,
            router_aux_loss_coef=0.0,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
        ),
        train_dataset=datasets.Dataset.from_dict(
            {"prompt": list(map(text_of, prompts)), "index": list(range(len(prompts)))}
        ),
        processing_class=Ids(model.config.vocab_size, settings["bos"], eos),
        callbacks=[watch],
    )
    if trainer.ref_model is not None:
        trainer.ref_model.set_experts_implementation(experts)
    watch.trainer = trainer
    watch.generate = model.generate = Checked(model.generate)
    trainer.train()
    parent.ask("done")


def main() -> None:
    """Reads the settings and runs."""
    folder = pathlib.Path(sys.argv[1])
    train(json.loads((folder / "settings.json").read_text()), folder, Parent())


if __name__ == "__main__":
    main()

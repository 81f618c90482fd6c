import logging

import pytest

from launch.evaluation import lm_eval_tasks
from launch.evaluation.benchmark import mean_and_stderr
from launch.evaluation.lm_eval_tasks import Job
from mistral_moe.evaluation.language_model import Generated, LogLikelihood
from tests.evaluation import stubs


def _document(name, gold=0, choices=("one", "another")):
    return {"id": name, "query": f"{name}?\nAnswer:", "choices": list(choices), "gold": gold}


class Recorder(stubs.StubModel):
    """Keeps what it is asked."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.asked = []

    def log_likelihoods(self, requests):
        self.asked += requests
        return super().log_likelihoods(requests)

    def generate(self, prompts):
        self.asked += prompts
        return super().generate(prompts)


def test_what_the_model_is_asked():
    model = Recorder()
    job = Job("t", [_document("q")], [_document("e", 1), _document("f", 0)], "About things.\n\n")
    lm_eval_tasks.run(model, [job])
    prompt = "About things.\n\ne?\nAnswer: another\n\nf?\nAnswer: one\n\nq?\nAnswer:"
    assert [(request.context, request.text) for request in model.asked] == [(prompt, " one"), (prompt, " another")]


def test_what_the_model_is_asked_to_generate():
    model = Recorder(complete=lambda prompt: " Four.")
    job = Job("t", [{"id": "1", "context": "Q: 2+2\nA:", "continuation": "4", "targets": ["4", "four"]}])
    answers, _ = lm_eval_tasks.run(model, [job])
    (asked,) = model.asked
    assert (asked.text, asked.temperature) == ("Q: 2+2\nA:", 0.0) and "\n" in asked.stop
    assert asked.max_tokens >= len("four")
    (answer,) = answers["t"]
    assert (answer.output, answer.values) == (" Four.", {"exact_match": 1.0})


def test_choices_by_nats_and_by_nats_a_character():
    nats = {" a": -2.0, " a long one": -4.0}
    model = stubs.StubModel(lambda context, text: nats[text])
    answers, _ = lm_eval_tasks.run(model, [Job("t", [_document("q", 0, ("a", "a long one"))])])
    (answer,) = answers["t"]
    assert answer.chosen == {"acc": 0, "acc_norm": 1} and answer.values == {"acc": 1.0, "acc_norm": 0.0}


def test_the_harness_own_means_and_errors_are_ours():
    import lm_eval.evaluator

    from launch.evaluation.lm import HarnessLM

    job = Job("t", [_document(str(number), number % 2, ("one", "a second")) for number in range(30)])
    theirs = lm_eval.evaluator.evaluate(
        lm=HarnessLM(stubs.at_random(3)), task_dict={"t": lm_eval_tasks._task(job)}, bootstrap_iters=100
    )["results"]["t"]
    answers, _ = lm_eval_tasks.run(stubs.at_random(3), [job])
    for metric in ("acc", "acc_norm"):
        value, stderr = mean_and_stderr([answer.values[metric] for answer in answers["t"]])
        assert value == pytest.approx(theirs[f"{metric},none"])
        assert stderr == pytest.approx(theirs[f"{metric}_stderr,none"])


def test_answers_stand_in_the_order_of_the_documents_whatever_order_they_come_in():
    class Backwards(stubs.StubModel):
        def log_likelihoods(self, requests):
            return reversed(list(super().log_likelihoods(requests)))

    documents = [_document(str(number), number % 2) for number in range(7)]
    model = Backwards(lambda context, text: float(context.startswith(("1", "3", "5")) == (text == " another")))
    answers, _ = lm_eval_tasks.run(model, [Job("t", documents), Job("u", documents[:2])])
    assert [answer.document["id"] for answer in answers["t"]] == [document["id"] for document in documents]
    assert all(answer.values["acc"] == 1.0 for found in answers.values() for answer in found)


def test_documents_of_unlike_fields_and_numbers_of_choices():
    documents = [_document("q", 2, ("a", "b", "c")) | {"credits": [0, 0.5, 1]}, _document("r") | {"group": 3}]
    answers, _ = lm_eval_tasks.run(stubs.at_random(), [Job("t", documents)])
    assert [len(answer.nats) for answer in answers["t"]] == [3, 2]
    assert [answer.document for answer in answers["t"]] == documents


def test_prompts_that_were_cut_and_outputs_that_are_empty_are_counted():
    class Narrow(stubs.StubModel):
        def log_likelihoods(self, requests):
            return ((index, LogLikelihood(0.0, False, 1, truncated=3)) for index, _ in enumerate(requests))

        def generate(self, prompts):
            return ((index, Generated("", 0, "stop")) for index, _ in enumerate(prompts))

    text = {"id": "1", "context": "c", "continuation": "4", "targets": ["4"]}
    _, counted = lm_eval_tasks.run(Narrow(), [Job("t", [_document("q"), _document("r")]), Job("u", [text])])
    assert counted["truncated_prompts"] == 2 and counted["empty_outputs"] == 1


def test_the_harness_is_silent_and_its_settings_stay(capfd, caplog):
    import lm_eval.api.task

    bar, level = lm_eval.api.task.tqdm, logging.getLogger("lm_eval").level
    lm_eval_tasks.run(stubs.at_random(), [Job("t", [_document("q")])])
    assert capfd.readouterr() == ("", "") and not caplog.records
    assert lm_eval.api.task.tqdm is bar and logging.getLogger("lm_eval").level == level


def test_a_sample_is_the_same_each_time_and_part_of_a_larger_one():
    documents = list(range(100))
    small, large = (lm_eval_tasks.sample(documents, limit, 0, "t") for limit in (10, 40))
    assert small == lm_eval_tasks.sample(documents, 10, 0, "t") == sorted(small) and len(set(small)) == 10
    assert set(small) < set(large)
    assert small != documents[:10] and small != lm_eval_tasks.sample(documents, 10, 1, "t")
    assert lm_eval_tasks.sample(documents, None, 0, "t") == lm_eval_tasks.sample(documents, 500, 0, "t") == documents

"""The store of answers: nothing is asked twice, and a run that was cut off goes on where it stopped."""

import json

import pytest

from launch.evaluation.answers import Answers
from mistral_moe.evaluation.language_model import Continuation, Generated, LogLikelihood, Prompt, in_order
from tests.evaluation.stubs import StubModel


class Counting(StubModel):
    """Counts what it is asked; ends with an error after `dies_after` answers."""

    def __init__(self, dies_after=None, identity="one"):
        super().__init__(lambda context, text: -float(len(text)), lambda prompt: prompt.text[::-1])
        self.identity, self.asked, self._dies_after = identity, 0, dies_after

    def _count(self, found):
        for item in found:
            if self.asked == self._dies_after:
                raise KeyboardInterrupt
            self.asked += 1
            yield item

    def log_likelihoods(self, requests):
        return self._count(super().log_likelihoods(requests))

    def generate(self, prompts):
        return self._count(super().generate(prompts))


REQUESTS = [Continuation("q", "a" * n) for n in (1, 2, 3, 2, 5)]


def test_equal_requests_are_asked_once_and_kept(tmp_path):
    path = tmp_path / "deep" / "answers.jsonl"
    model = Counting()
    first = in_order(Answers(path, model).log_likelihoods(REQUESTS))
    assert [answer.nats for answer in first] == [-1.0, -2.0, -3.0, -2.0, -5.0]
    assert model.asked == 4
    again = Counting()
    assert in_order(Answers(path, again).log_likelihoods(REQUESTS)) == first
    assert again.asked == 0


@pytest.mark.parametrize("killed_after", range(4))
def test_a_run_that_was_cut_off_asks_only_for_the_rest(tmp_path, killed_after):
    path = tmp_path / "answers.jsonl"
    with pytest.raises(KeyboardInterrupt):
        in_order(Answers(path, Counting(killed_after)).log_likelihoods(REQUESTS))
    model = Counting()
    found = in_order(Answers(path, model).log_likelihoods(REQUESTS))
    assert model.asked == 4 - killed_after
    assert found == in_order(Counting().log_likelihoods(REQUESTS))


@pytest.mark.parametrize("cut", range(2, 40, 7))
def test_a_line_that_was_cut_off_is_asked_again(tmp_path, cut):
    path = tmp_path / "answers.jsonl"
    whole = in_order(Answers(path, Counting()).log_likelihoods(REQUESTS))
    path.write_bytes(path.read_bytes()[:-cut])
    model = Counting()
    assert in_order(Answers(path, model).log_likelihoods(REQUESTS)) == whole
    assert model.asked == 1
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_answers_of_other_weights_are_not_taken(tmp_path):
    path = tmp_path / "answers.jsonl"
    in_order(Answers(path, Counting()).log_likelihoods(REQUESTS))
    other = Counting(identity="two")
    in_order(Answers(path, other).log_likelihoods(REQUESTS))
    assert other.asked == 4


def test_each_setting_of_a_prompt_counts(tmp_path):
    answers = Answers(tmp_path / "answers.jsonl", model := Counting())
    prompts = [
        Prompt("ab", 5),
        Prompt("ab", 6),
        Prompt("ab", 5, seed=1),
        Prompt("ab", 5, ("x",)),
        Prompt("", 5, control=("", "[INST]")),
    ]
    found = in_order(answers.generate(prompts))
    assert model.asked == 5
    assert found[0] == Generated("ba", 1, "stop")
    assert isinstance(in_order(answers.rolling(["ab", "abc"]))[1], LogLikelihood)


def test_progress_counts_what_was_kept(tmp_path):
    path, told = tmp_path / "answers.jsonl", []
    in_order(Answers(path, Counting()).log_likelihoods(REQUESTS[:2]))
    in_order(Answers(path, Counting(), lambda done, total: told.append((done, total))).log_likelihoods(REQUESTS))
    # The second "aa" is known with the first.
    assert told == [(3, 5), (4, 5), (5, 5)]

"""The stream of rows is a pure function of the loader's state, however many processes or threads read it."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import loader as loader_lib
from data.multitask.registry import DEFAULT, NAMES
from data.memory_documents import MemoryDocuments
from data.packing import PackedRows
from data.task_marks import TaskMarks
from data.loader import MixtureError, MixtureLoader


class NumberedSource(MemoryDocuments):
    """Documents whose tokens carry the component's number in their thousands."""

    def __init__(self, number, num_documents=7, marks=None):
        super().__init__([1000 * number + np.arange(length) for length in range(3, 3 + num_documents)], marks)
        self.fail = False

    def read(self, indices):
        if self.fail:
            raise OSError("the disk is gone")
        return super().read(indices)


def make_components(num=3, seq_len=8, num_documents=7, **options):
    return {f"c{i}": PackedRows(NumberedSource(i, num_documents), seq_len, seed=i, **options) for i in range(num)}


def make_loader(weights=None, batch_size=8, **options):
    return MixtureLoader(make_components(), weights or {"c0": 0.5, "c1": 0.3, "c2": 0.2}, batch_size, **options)


def take(loader, count):
    return [next(loader) for _ in range(count)]


def assert_equal_batches(left, right):
    assert len(left) == len(right)
    for a, b in zip(left, right):
        assert a.keys() == b.keys()
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])


@settings(max_examples=60, deadline=None)
@given(
    weights=st.lists(st.floats(0, 10, allow_subnormal=False), min_size=3, max_size=3).filter(lambda w: sum(w) > 1e-3)
)
def test_every_prefix_is_within_a_few_rows_of_the_weights(weights):
    named = dict(zip(("c0", "c1", "c2"), weights))
    loader = make_loader(named, batch_size=1)
    counts = np.zeros(3)
    for step in range(1, 120):
        counts[next(loader)["component_ids"][0]] += 1
        assert np.abs(counts - step * np.array(weights) / sum(weights)).max() < len(weights)
    assert all(counts[i] == 0 for i in range(3) if weights[i] == 0)


def test_batches_hold_rows_of_the_named_component_in_order():
    loader = make_loader()
    components = make_components()
    seen = {name: 0 for name in loader.names}
    for batch in take(loader, 12):
        assert batch["component_ids"].dtype == np.int32 and batch["tokens"].shape == (8, 8)
        for place, component in enumerate(batch["component_ids"]):
            name = loader.names[component]
            for key, value in components[name].row(seen[name]).items():
                np.testing.assert_array_equal(batch[key][place], value)
            seen[name] += 1
    assert loader.get_state()["rows"] == seen


@settings(max_examples=25, deadline=None)
@given(before=st.integers(0, 6), after=st.integers(1, 4), count=st.sampled_from([1, 2, 4]))
def test_resume_is_exact_for_any_number_of_processes(before, after, count):
    whole = make_loader()
    take(whole, before)
    state = json.loads(json.dumps(whole.get_state()))
    expected = take(whole, after)
    shares = []
    for index in range(count):
        loader = make_loader(weights={"c1": 1.0}, process_index=index, process_count=count)
        loader.set_state(state)
        shares.append(take(loader, after))
        assert loader.get_state() == whole.get_state()
    united = [
        {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]} for batches in zip(*shares)
    ]
    assert_equal_batches(united, expected)


class MarkedSource(NumberedSource):
    """Every other document is a prompt with its completion, and so kept whole."""

    def __init__(self, number, num_documents=9):
        task_ids = np.where(np.arange(num_documents) % 2, NAMES.index("math_problem"), NAMES.index(DEFAULT))
        unlearned = [(document, 0, 2) for document in range(1, num_documents, 2)]
        super().__init__(number, num_documents, TaskMarks(task_ids.astype(np.int32), np.array(unlearned, np.int64)))


@settings(max_examples=10, deadline=None)
@given(steps=st.lists(st.integers(1, 4), min_size=4, max_size=4), data=st.data())
def test_a_stream_is_the_same_on_1_then_3_then_2_then_4_hosts(steps, data):
    """Through restarts, with packing of both kinds, mixing, and weights that a curriculum changes on the way."""
    components = {f"c{i}": PackedRows(MarkedSource(i), 11, seed=i, block_documents=2 + i) for i in range(3)}
    shares = st.dictionaries(st.sampled_from(sorted(components)), st.floats(0.01, 1), min_size=1)
    changes = {step: data.draw(shares) for step in data.draw(st.sets(st.integers(0, sum(steps)), max_size=3))}

    def run(loader, begin, end):
        taken = []
        for step in range(begin, end):
            if step in changes:
                loader.set_weights(changes[step])
            taken.append(next(loader))
        return taken

    expected = run(MixtureLoader(components, {"c0": 1.0, "c1": 2.0}, 12), 0, sum(steps))
    state, begin, found = None, 0, []
    for count, length in zip((1, 3, 2, 4), steps):
        hosts = [MixtureLoader(components, {"c2": 1.0}, 12, index, count) for index in range(count)]
        if state is None:
            hosts = [MixtureLoader(components, {"c0": 1.0, "c1": 2.0}, 12, index, count) for index in range(count)]
        else:
            for host in hosts:
                host.set_state(json.loads(json.dumps(state)))
        batches = [run(host, begin, begin + length) for host in hosts]
        found += [{key: np.concatenate([b[key] for b in step]) for key in step[0]} for step in zip(*batches)]
        assert all(host.get_state() == hosts[0].get_state() for host in hosts)
        state, begin = hosts[0].get_state(), begin + length
    assert_equal_batches(found, expected)


@settings(max_examples=40, deadline=None)
@given(weights=st.lists(st.floats(0, 1e6), min_size=3, max_size=3).filter(lambda w: sum(w) > 0))
def test_weights_survive_the_state_to_the_bit(weights):
    loader = make_loader(dict(zip(("c0", "c1", "c2"), weights)))
    other = make_loader()
    other.set_state(json.loads(json.dumps(loader.get_state())))
    assert other.get_state() == loader.get_state()
    assert sum(loader.weights.values()) == 1.0
    assert_equal_batches(take(other, 3), take(loader, 3))


def test_small_weights_are_served_although_weights_change_with_every_batch():
    loader = make_loader({"c0": 0.98, "c1": 0.02}, batch_size=2)
    counts = np.zeros(3)
    for step in range(200):
        loader.set_weights({"c0": 0.98, "c1": 0.02} if step % 2 else {"c0": 0.97, "c1": 0.03})
        counts += np.bincount(next(loader)["component_ids"], minlength=3)
    assert counts.tolist() == [390, 10, 0]


def test_weights_may_change_and_a_dropped_component_stops_at_once():
    loader = make_loader({"c0": 0.5, "c1": 0.5})
    take(loader, 1)
    loader.set_weights({"c2": 3.0})
    assert set(next(loader)["component_ids"]) == {2}
    assert loader.weights == {"c0": 0.0, "c1": 0.0, "c2": 1.0}
    with pytest.raises(MixtureError):
        loader.set_weights({"c9": 1.0})
    assert loader.weights["c2"] == 1.0


def test_prefetch_changes_nothing_and_its_state_is_what_was_consumed():
    plain = make_loader()
    with loader_lib.prefetch(make_loader(), 3) as ahead:
        assert ahead.get_state() == plain.get_state()
        for _ in range(5):
            assert_equal_batches([next(ahead)], [next(plain)])
            assert ahead.get_state() == plain.get_state()
        middle = ahead.get_state()
        for loader in (ahead, plain):
            loader.set_weights({"c0": 0.1, "c2": 0.9})
        assert ahead.weights == plain.weights
        assert_equal_batches(take(ahead, 4), take(plain, 4))
        for loader in (ahead, plain):
            loader.set_state(middle)
        assert_equal_batches(take(ahead, 2), take(plain, 2))
    # Closed, it goes on where the consumer was.
    assert_equal_batches(take(ahead, 2), take(plain, 2))
    ahead.close()
    with pytest.raises(ValueError, match="num_batches"):
        loader_lib.prefetch(plain, 0)


def test_a_failing_read_reaches_the_consumer_and_can_be_tried_again():
    source = NumberedSource(0)
    rows = PackedRows(source, 4, memory_bytes=0)
    expected = take(MixtureLoader({"a": rows}, {"a": 1}, 2), 2)
    source.fail = True
    rows = PackedRows(source, 4, memory_bytes=0)
    loader = MixtureLoader({"a": rows}, {"a": 1}, 2)
    start = loader.get_state()
    with pytest.raises(OSError, match="disk"):
        next(loader)
    assert loader.get_state() == start
    with loader_lib.prefetch(loader) as ahead:
        with pytest.raises(OSError, match="disk"):
            next(ahead)
        source.fail = False
        assert_equal_batches(take(ahead, 2), expected)


@pytest.mark.parametrize("process_count", [1, 2])
def test_heldout_batches_are_padded_and_complete(process_count):
    components = make_components(seq_len=16, shuffle=False)
    total = sum(min(3, len(rows)) for rows in components.values())
    shares = [loader_lib.heldout_batches(components, 4, 3, index, process_count) for index in range(process_count)]
    batches = [{key: np.concatenate([part[key] for part in parts]) for key in parts[0]} for parts in zip(*shares)]
    assert len(batches) == -(-total // 4) and all(batch["tokens"].shape == (4, 16) for batch in batches)
    joined = {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}
    assert not joined["segment_ids"][total:].any() and not joined["loss_weights"][total:].any()
    place = 0
    for index, rows in enumerate(components.values()):
        for row in range(min(3, len(rows))):
            assert joined["component_ids"][place] == index
            np.testing.assert_array_equal(joined["tokens"][place], rows[row]["tokens"])
            place += 1
    assert place == total and set(joined["component_ids"][total:]) <= {len(components) - 1}
    assert_equal_batches(batches, loader_lib.heldout_batches(components, 4, 3))


def test_errors_name_the_component_and_the_fix():
    components = make_components()

    class NoRows:
        seq_len = 8

        def __len__(self):
            return 0

    for weights, match in [
        ({"c0": 1, "poetry": 1}, "poetry, which the mixture does not have; it has c0, c1, c2"),
        ({"c0": -1.0, "c1": 2.0}, "at least 0, got {'c0': -1.0}"),
        ({"c0": float("nan")}, "finite"),
        ({"c0": float("inf")}, "finite"),
        ({"c0": 0.0}, "at least one must be above 0"),
        ({}, "at least one must be above 0"),
    ]:
        with pytest.raises(MixtureError, match=match):
            MixtureLoader(components, weights, 4)
    with pytest.raises(MixtureError, match="multiple of the number of processes"):
        MixtureLoader(components, {"c0": 1}, 6, 0, 4)
    with pytest.raises(MixtureError, match="process 2 of 2"):
        MixtureLoader(components, {"c0": 1}, 6, 2, 2)
    with pytest.raises(MixtureError, match="empty_level: no rows"):
        MixtureLoader(components | {"empty_level": NoRows()}, {"c0": 1}, 4)
    with pytest.raises(MixtureError, match="at least one component"):
        MixtureLoader({}, {}, 4)
    with pytest.raises(MixtureError, match="unequal lengths"):
        MixtureLoader(components | {"long": PackedRows(NumberedSource(9), 16)}, {"c0": 1}, 4)
    with pytest.raises(MixtureError, match="cannot cut"):
        loader_lib.heldout_batches(components, 3, 5, 0, 2)


def test_a_foreign_state_is_refused():
    loader = make_loader()
    state = loader.get_state()
    with pytest.raises(MixtureError, match="components c0, c1, this mixture has c0, c1, c2"):
        loader.set_state(MixtureLoader(make_components(2), {"c0": 1}, 4).get_state())
    for changed in (make_components(seq_len=9), make_components(num_documents=8)):
        with pytest.raises(MixtureError, match="c0, c1, c2: documents, row length or seed differ"):
            loader.set_state(MixtureLoader(changed, {"c0": 1}, 4).get_state())
    for broken in ({}, {**state, "rows": None}, {**state, "credits": {"c0": "x"}}):
        with pytest.raises(MixtureError, match="not a loader's state"):
            loader.set_state(broken)
    assert loader.get_state() == state

"""What a feed adds to the loader's batches."""

import numpy as np

from launch.feeds import SingleFeed


class Rows:
    """A loader of rows that name their component."""

    def __init__(self, components):
        self._components = np.asarray(components, np.int32)

    def __next__(self):
        shape = (len(self._components), 4)
        fields = ("tokens", "targets", "segment_ids", "positions", "loss_weights", "task_ids")
        return {name: np.zeros(shape, np.int32) for name in fields} | {"component_ids": self._components}


def test_each_row_carries_the_domain_of_its_component():
    batch = SingleFeed(Rows([2, 0, 1, 2]), domain_of=[4, 1, 3]).next(0, {})
    assert batch["domains"].dtype == np.int32
    np.testing.assert_array_equal(batch["domains"], [[3] * 4, [4] * 4, [1] * 4, [3] * 4])


def test_without_domains_the_batch_is_what_the_model_reads():
    assert "domains" not in SingleFeed(Rows([0, 1])).next(0, {})

"""Exchanges between chips: every notation of groups, their mesh axes, bytes and time on the torus."""

import pytest

from mistral_moe.aot import chips, collectives, hlo

MESH = {"data": 2, "fsdp": 4}


@pytest.mark.parametrize(
    "attributes, groups",
    [
        ("replica_groups={{0,1},{2,3}}, x", [[0, 1], [2, 3]]),
        ("replica_groups={}, x", [[0, 1, 2, 3, 4, 5, 6, 7]]),
        ("replica_groups=[4,2]<=[8], x", [[0, 1], [2, 3], [4, 5], [6, 7]]),
        ("replica_groups=[2,4]<=[4,2]T(1,0), x", [[0, 2, 4, 6], [1, 3, 5, 7]]),
        ("replica_groups=[4,2]<=[2,2,2]T(2,1,0), x", [[0, 4], [2, 6], [1, 5], [3, 7]]),
        ("source_target_pairs={{0,0},{4,2}}, x", [[0, 0], [4, 2]]),
        ("replica_groups=mesh['a'=4,'b'=2] {'b'}, x", [[0, 1], [2, 3], [4, 5], [6, 7]]),
        ("replica_groups=mesh['axis_0'=4,'axis_1'=2] {'axis_0'}, x", [[0, 2, 4, 6], [1, 3, 5, 7]]),
        ("replica_groups=mesh['a'=2,'b'=1,'c'=4], device_ids=([4,2]T(1,0)) {'a'}, x", [[0, 1], [2, 3], [4, 5], [6, 7]]),
        ("replica_groups=mesh['a'=2,'b'=2,'c'=2] {'a','c'}, x", [[0, 1, 4, 5], [2, 3, 6, 7]]),
    ],
)
def test_each_notation_of_groups_is_read(attributes, groups):
    assert collectives.groups_of(f", channel_id=1, {attributes}, to_apply=%add", 8) == groups


def test_a_notation_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match="not known"):
        collectives.groups_of("replica_groups=@somewhere", 8)


_PROGRAM = """ENTRY %main (a: bf16[16,8]) -> bf16[16,8] {
  %a = bf16[16,8]{1,0} parameter(0)
  %gathered = bf16[64,8]{1,0} all-gather(%a), replica_groups=[2,4]<=[8], dimensions={0}
  %alone = bf16[16,8]{1,0} all-reduce(%a), replica_groups=[8,1]<=[8], to_apply=%add
  %fused = bf16[4,8]{1,0} fusion(%a), kind=kCustom, calls=%all-reduce-scatter.1
  %moved = bf16[16,8]{1,0} collective-permute(%a), source_target_pairs={{0,4},{4,0}}
  ROOT %summed = bf16[16,8]{1,0} all-reduce(%a), replica_groups={}, to_apply=%add
}

%all-reduce-scatter.1 (b: bf16[16,8]) -> bf16[4,8] {
  %b = bf16[16,8]{1,0} parameter(0)
  %inside = bf16[16,8]{1,0} all-reduce(%b), replica_groups=[2,4]<=[8], to_apply=%add
  ROOT %own = bf16[4,8]{1,0} dynamic-slice(%inside), dynamic_slice_sizes={4,8}
}
"""


def test_bytes_that_a_chip_receives_by_kind_and_axis():
    found = list(collectives.find(hlo.parse(_PROGRAM), 8))
    size = 16 * 8 * 2
    assert [(c.kind, collectives.axes_of(c.groups, MESH), c.bytes) for c in found] == [
        ("all-gather", "fsdp", 4 * size * 3 / 4),
        ("reduce-scatter", "fsdp", size * 3 / 4),
        ("collective-permute", "data", size),
        ("all-reduce", "data+fsdp", 2 * size * 7 / 8),
    ]


def test_links_are_two_a_ring_and_one_a_line():
    pod, corner = chips.topology("v5p:4x4x8"), chips.topology("v5e:4x4")
    everywhere = [(x, y, z) for x in range(4) for y in range(4) for z in range(8)]
    assert chips.links(pod, everywhere) == [(4, 2), (4, 2), (8, 2)]
    assert chips.links(pod, [(0, 0, z) for z in range(8)]) == [(8, 2)]
    assert chips.links(pod, [(0, 0, z) for z in range(4)]) == [(4, 1)]
    assert chips.links(corner, [(x, y, 0) for x in range(4) for y in range(4)]) == [(4, 1), (4, 1)]


def test_time_is_bytes_over_the_links_that_a_group_spans():
    pod = chips.topology("v5p:2x2x4")
    places = [(x, y, z) for z in range(4) for y in range(2) for x in range(2)]
    whole = (tuple(range(16)),)
    gather = collectives.Collective("all-gather", "", 3, whole, True, 1e9)
    # Two lines of 2 and a ring of 4: four links of 100 GB/s.
    assert collectives.seconds(gather, pod, places) == pytest.approx(3 * 1e9 / 400e9)
    exchange = collectives.Collective("all-to-all", "", 1, whole, True, 1e9)
    assert collectives.seconds(exchange, pod, places) == pytest.approx(1e9 * 0.5 / 100e9)


@pytest.mark.parametrize(
    "text, message",
    [
        ("v9:2x2", "unknown generation 'v9'; there are v5e, v5p, v6e"),
        ("v5p", "has no shape; write it like v5p:4x4x4"),
        ("v5p:16x16", "has 2 dimensions; v5p is a torus of 3"),
        ("v5e:2x2x2", "has 3 dimensions; v5e is a torus of 2"),
        ("v6e:32x32", "larger than v6e's 16x16"),
        ("v5e:3x5", "the first two extents are even"),
        ("v5p:4x4x6", "come in cubes"),
    ],
)
def test_a_topology_that_is_not_sold_is_refused(text, message):
    with pytest.raises(chips.TopologyError, match=message):
        chips.topology(text)


@pytest.mark.parametrize("text", ("v5e:2x2", "v5e:16x16", "v5p:2x2x1", "v5p:2x2x2", "v5p:4x8x8", "v6e:8x16"))
def test_topologies_that_are_sold_are_known(text):
    assert str(chips.topology(text)) == text

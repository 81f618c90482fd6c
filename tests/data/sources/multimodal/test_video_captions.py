"""Captions of videos in every layout, the videos that they mean, and neither without the other."""

import gzip
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.document import Skipped
from data.formats import arrays
from data.inputs import expand
from data.sources.multimodal import video_captions
from data.sources.multimodal.registry import SOURCES
from data.sources.source import plan

SOURCE = next(source for source in SOURCES if source.name == "video_captions")


def as_json(value):
    return json.dumps(value).encode()


def test_msr_vtt(make_input, movie, sorted_items):
    make_input("TrainValVideo/video0.mp4", movie())
    value = {
        "info": {"version": "1"},
        "videos": [
            {
                "video_id": "video0",
                "category": 9,
                "url": "https://y/0",
                "start time": 137.7,
                "end time": 149.4,
                "id": 0,
            },
            {"video_id": "video1", "category": 1, "url": "https://y/1", "id": 1},
            {"video_id": "video2", "category": 1, "url": "https://y/2", "id": 2},
        ],
        "sentences": [
            {"caption": "a grey field grows  lighter", "video_id": "video0", "sen_id": 7},
            {"caption": "a man sings", "video_id": "video1", "sen_id": 8},
            {"caption": "light comes up", "video_id": "video0", "sen_id": 9},
            {"caption": "", "video_id": "video0", "sen_id": 10},
            "not a sentence",
        ],
    }
    file = make_input("train_val_videodatainfo.json", as_json(value))
    (first, second), skipped, broken = sorted_items(video_captions.read(file))
    assert first.text == "a grey field grows lighter" and second.text == "light comes up"
    assert first.source == "video_captions:train_val_videodatainfo.json#video0/7"
    assert first.meta["url"] == "https://y/0" and first.meta["seconds"] == 1.0 and first.meta["category"] == 9
    frames = arrays.unpack(first.media)
    assert frames.shape == (8, 48, 64, 3) and first.media_type == "application/x-npy" and first.media == second.media
    assert (np.diff(frames.mean(axis=(1, 2, 3))) > 0).all()
    assert [item.reason for item in skipped] == ["no_video", "no_caption", "no_caption"]
    assert "a man sings" in skipped[0].evidence and skipped[2].evidence == "video2"
    assert [item.reason for item in broken] == ["malformed"]


def test_didemo_takes_the_piece_that_most_chose(make_input, movie, sorted_items):
    make_input("videos/12@N0_34_ab.mp4", movie(12))
    rows = [
        {"video": "12@N0_34_ab.mov", "description": "later on", "times": [[0, 0], [1, 1], [1, 1]], "annotation_id": 5},
        {"video": "missing.avi", "description": "a bird flies", "times": [[0, 0]], "annotation_id": 6},
    ]
    (document,), (missing,), _ = sorted_items(video_captions.read(make_input("val_data.json", as_json(rows))))
    assert document.text == "later on" and document.source.endswith("#5")
    assert document.meta["start"] == 5.0 and document.meta["seconds"] == 5.0
    assert all(5.0 <= moment <= 10.0 for moment in document.meta["times"])
    assert missing.reason == "no_video"


def test_activitynet_takes_each_sentences_time(make_input, movie, sorted_items):
    make_input("v_abc.avi", movie(4, "avi"))
    value = {
        "v_abc": {
            "duration": 4.0,
            "timestamps": [[0, 1.5], [3.5, 2.0]],
            "sentences": [" It is dark.", " It is light."],
        },
        "v_gone": {"duration": 9.0, "timestamps": [[0, 1], [2, 3]], "sentences": ["One.", "Two."]},
        "v_bad": 7,
    }
    documents, skipped, broken = sorted_items(video_captions.read(make_input("val_1.json", as_json(value))))
    assert [document.text for document in documents] == ["It is dark.", "It is light."]
    dark, light = (arrays.unpack(document.media).mean() for document in documents)
    assert dark < light and documents[1].meta["start"] == 2.0 and documents[1].meta["seconds"] == 1.5
    assert [item.reason for item in skipped] == ["no_video"] * 2 and [item.reason for item in broken] == ["malformed"]


def test_vatex_has_ten_sentences_a_video(make_input, movie, sorted_items):
    make_input("clips/Ptf_2VRj-V0_000122_000132.mkv", movie(1, "matroska"))
    rows = [
        {
            "videoID": "Ptf_2VRj-V0_000122_000132",
            "enCap": [f"a person does {n}" for n in range(10)],
            "chCap": ["一个人"],
        },
        {"videoID": "other_000000_000010", "enCap": ["a dog runs", "a dog"], "chCap": []},
    ]
    documents, skipped, _ = sorted_items(video_captions.read(make_input("vatex_training.json", as_json(rows))))
    assert [document.text for document in documents] == [f"a person does {n}" for n in range(10)]
    assert sorted(item.reason for item in skipped) == ["no_video", "no_video", "not_english"]


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_plain_records(make_input, movie, sorted_items, compress):
    make_input("a/one.mp4", movie())
    make_input("b/one.mp4", movie(2))
    lines = [
        {"video": "b/one.mp4", "caption": "the long one", "start": 0.5, "end": 1.5, "license": "CC BY 4.0"},
        {"video": "/data/elsewhere/a/one.webm", "caption": "the short one"},
        {"video": "one", "caption": "which of the two"},
        {"video": "../../etc/passwd", "caption": "no way out"},
        {"caption": "of nothing"},
    ]
    data = compress(b"\n".join(map(as_json, lines)) + b"\n{broken\n")
    name = "captions.jsonl" if compress is bytes else "captions.jsonl.gz"
    documents, skipped, broken = sorted_items(video_captions.read(make_input(name, data)))
    assert [(document.text, document.meta["video"]) for document in documents] == [
        ("the long one", "b/one.mp4"), ("the short one", "a/one.mp4"),
    ]  # fmt: skip
    assert documents[0].licence == "CC-BY-4.0" and documents[0].meta["seconds"] == 1.0
    assert [item.reason for item in skipped] == ["no_video"] * 2
    assert [item.reason for item in broken] == ["wrong_columns", "malformed"]


def test_a_broken_video_is_set_aside_once_for_each_sentence(make_input, sorted_items):
    make_input("x.mp4", b"\0\0\0\x18ftypisom" + b"\0" * 500)
    rows = [{"video": "x.mp4", "caption": f"sentence {n}"} for n in range(3)]
    documents, skipped, broken = sorted_items(video_captions.read(make_input("c.json", as_json(rows))))
    assert not documents and not skipped and [item.reason for item in broken] == ["undecodable"] * 3


def test_every_video_is_read_or_counted(make_input, movie, tmp_path):
    make_input("clips/told.mp4", movie())
    make_input("clips/untold.mp4", b"anything")
    make_input("captions.json", as_json([{"video": "told", "caption": "a grey field"}]))
    make_input("readme.txt", b"x")
    found = plan(SOURCE, expand(str(tmp_path / "in")), 1 << 20)
    assert [unit.file.name for unit in found.units] == ["captions.json", "clips/untold.mp4"]
    (only,) = video_captions.read(found.units[1].file)
    assert isinstance(only, Skipped) and only.reason == "no_caption" and only.num_bytes == len(b"anything")
    told = next(file for file in expand(str(tmp_path / "in")) if file.stem == "told.mp4")
    assert list(video_captions.read(told)) == []


def test_halves_of_characters_are_neither_kept_nor_fatal(make_input, movie, sorted_items):
    make_input("a.mp4", movie())
    data = rb"""[{"video": "a.mp4", "caption": "a \ud83d field", "annotation_id": "\ud800"},
        {"video": "\ud800", "caption": "\udfff"}, {"\ud800": 1}]"""
    (document,), (skipped,), (broken,) = sorted_items(video_captions.read(make_input("c.json", data)))
    assert document.text == "a \ufffd field" and (skipped.reason, broken.reason) == ("no_video", "wrong_columns")


def test_links_out_of_the_input_are_not_followed(make_input, movie, tmp_path, sorted_items):
    outside = tmp_path / "outside.mp4"
    outside.write_bytes(movie())
    file = make_input("c.json", as_json([{"video": "linked.mp4", "caption": "something secret"}]))
    (tmp_path / "in" / "linked.mp4").symlink_to(outside)
    documents, skipped, _ = sorted_items(video_captions.read(file))
    assert not documents and [item.reason for item in skipped] == ["no_video"]


def test_real_samples(samples, input_files, sorted_items):
    found = plan(SOURCE, input_files(samples("multimodal/video_captions")), 1 << 30)
    for unit in found.units:
        documents, skipped, broken = sorted_items(SOURCE.readers[unit.reader].read(unit.file))
        assert not broken and len(documents) + len(skipped) >= 1
        assert {item.reason for item in skipped} <= {"no_video", "no_caption", "not_english"}
        if unit.file.stem == "didemo_val_data.json":
            assert len(documents) + len(skipped) == len(json.loads(unit.file.read()))


def test_a_real_video_gives_frames(samples, input_files, make_input, sorted_items):
    for file in input_files(samples("multimodal/video_captions")):
        if file.stem.endswith(".mp4"):
            make_input("real.mp4", file.read())
            (document,), _, _ = sorted_items(
                video_captions.read(make_input("c.json", as_json([{"video": "real", "caption": "a"}])))
            )
            assert len(arrays.unpack(document.media)) == 8 and document.meta["seconds"] > 1


WORDS = st.sampled_from(
    ["video", "caption", "videoID", "enCap", "times", "description", "sentences", "videos", "start", "end"]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["\ud800", "x.mp4"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VALUES, st.binary(max_size=60))
def test_nothing_raises(make_input, sorted_items, value, noise):
    sorted_items(video_captions.read(make_input("f.json", as_json(value))))
    sorted_items(video_captions.read(make_input("f.jsonl", as_json(value) + b"\n" + noise)))
    sorted_items(video_captions.read(make_input("f.csv", noise)))

"""Speech in every layout, pieces of recordings, and commands that are never run."""

import gzip
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.document import Skipped
from data.formats import arrays, audio
from data.inputs import expand
from data.sources.multimodal import audio_transcripts
from data.sources.multimodal.registry import SOURCES
from data.sources.source import plan

SOURCE = next(source for source in SOURCES if source.name == "audio_transcripts")


def test_librispeech(make_input, speech, sorted_items):
    make_input("dev-clean/84/121123/84-121123-0000.flac", speech(0.5, "FLAC"))
    text = b"84-121123-0000 GO DO YOU HEAR\n84-121123-0001 BUT IN LESS\n\n84-121123-0002\n"
    file = make_input("dev-clean/84/121123/84-121123.trans.txt", text)
    (document,), skipped, _ = sorted_items(audio_transcripts.read(file))
    assert (document.text, document.licence) == ("GO DO YOU HEAR", "CC-BY-4.0")
    assert document.source == "audio_transcripts:dev-clean/84/121123/84-121123.trans.txt#84-121123-0000"
    assert document.media_type == "application/x-npy"
    assert document.meta == {
        "speaker": "84", "chapter": "121123", "recording": "dev-clean/84/121123/84-121123-0000.flac", "start": 0.0,
        "seconds": 0.5, "frames": 50, "bands": 80, "sample_rate": 16_000, "format": "FLAC",
    }  # fmt: skip
    features = arrays.unpack(document.media)
    assert features.shape == (50, 80) and features.dtype == np.float16
    expected = audio.log_mel(audio.read(speech(0.5, "FLAC")).samples)
    assert np.abs(features - expected).max() < 2e-3
    assert [(item.reason, item.offset) for item in skipped] == [("no_audio", 30), ("no_transcript", 58)]


def test_ljspeech(make_input, speech, sorted_items):
    make_input("LJ/wavs/LJ001-0001.wav", speech(rate=22_050))
    make_input("LJ/wavs/LJ001-0002.wav", speech())
    lines = [
        'LJ001-0001|Dr. "No" has 2|Doctor "No" has two',
        "LJ001-0002|only one",
        "LJ001-0003|gone|gone",
        "no columns",
    ]
    file = make_input("LJ/metadata.csv", "\n".join(lines).encode())
    (first, second), (skipped,), (broken,) = sorted_items(audio_transcripts.read(file))
    assert (first.text, first.meta["written"]) == ('Doctor "No" has two', 'Dr. "No" has 2')
    assert first.meta["sample_rate"] == 22_050 and first.meta["frames"] == 50
    assert first.licence == "LicenseRef-PublicDomain" and second.text == "only one" and "written" not in second.meta
    assert skipped.reason == "no_audio" and broken.reason == "malformed" and broken.offset == file.size - 10


def test_kaldi_pieces(make_input, speech, sorted_items):
    make_input("audio/rec1.wav", speech(3.0))
    make_input("data/wav.scp", b"rec1 /corpora/x/audio/rec1.wav\nrec2 /corpora/gone.wav\n")
    make_input("data/segments", b"u1 rec1 0.50 1.25\nu2 rec1 2.0 -1\nu3 rec2 0 1\nu4 rec1 9.0 9.5\nu5 rec1 x y\n")
    make_input("data/utt2spk", b"u1 ann\nu2 bob\n")
    file = make_input(
        "data/text",
        "u1 hello there\nu2 ol\u00e1\nu3 lost\nu4 after the end\nu5 badly cut\n\u00a0\nu6 unknown\n".encode(),
    )
    (first, second), skipped, (broken,) = sorted_items(audio_transcripts.read(file))
    assert (first.text, first.meta["speaker"], first.meta["seconds"], first.meta["frames"]) == (
        "hello there",
        "ann",
        0.75,
        75,
    )
    assert first.meta["recording"] == "audio/rec1.wav" and first.meta["start"] == 0.5
    assert (second.text, second.meta["seconds"]) == ("ol\u00e1", 1.0)
    assert [item.reason for item in skipped] == ["no_audio", "too_short", "no_audio"]
    assert broken.reason == "malformed"


@pytest.mark.parametrize(
    "command", ["touch {ran} |", "sox a.flac -t wav - | tee {ran} |", "flac -c -d -o {ran} u1.flac |", "|touch {ran}"]
)
def test_commands_are_never_run(make_input, speech, sorted_items, tmp_path, command):
    ran = tmp_path / "ran"
    make_input("u1.flac", speech(kind="FLAC"))
    make_input("wav.scp", f"u1 {command.format(ran=ran)}\n".encode())
    documents, (skipped,), _ = sorted_items(audio_transcripts.read(make_input("text", b"u1 some words\n")))
    assert not documents and skipped.reason == "not_run" and not ran.exists()
    cut = {"id": "c", "recording": {"sources": [{"type": "command", "source": f"touch {ran}"}]}}
    cut["supervisions"] = [{"text": "words", "start": 0}]
    _, (skipped,), _ = sorted_items(audio_transcripts.read(make_input("cuts.json", json.dumps([cut]).encode())))
    assert skipped.reason == "not_run" and not ran.exists()


def test_a_pipe_that_only_decodes_a_file_is_read_from_the_file(make_input, speech, sorted_items):
    make_input("a/b/u1.flac", speech(kind="FLAC"))
    make_input("wav.scp", b"u1 flac -c -d -s /corpus/a/b/u1.flac |\n")
    (document,), _, _ = sorted_items(audio_transcripts.read(make_input("text", b"u1 some words\n")))
    assert document.text == "some words" and document.meta["recording"] == "a/b/u1.flac"


@pytest.mark.parametrize("name", ["cuts.json", "train_cuts.jsonl", "cuts_dev.jsonl.gz"])
def test_lhotse(make_input, speech, sorted_items, name):
    make_input("wav/meeting.wav", speech(4.0))
    recording = {"id": "meeting", "sampling_rate": 16_000, "num_samples": 64_000, "duration": 4.0}
    recording["sources"] = [{"type": "file", "channels": [0], "source": "test/wav/meeting.wav"}]
    spoken = [{"start": 1.0, "text": "and  you", "speaker": "B"}, {"start": 0.2, "text": "hello", "speaker": "A"}]
    cuts = [
        {"id": "c1", "start": 1.0, "duration": 2.0, "channel": 0, "recording": recording, "supervisions": spoken},
        {"id": "c2", "start": 0.0, "duration": 1.0, "channel": 0, "recording": recording, "supervisions": []},
        {"id": "c3", "tracks": [], "type": "MixedCut"},
        {"id": "c4", "start": 0.0, "duration": 1.0, "channel": 0, "supervisions": spoken},
        {"id": "c5", "start": 0.0, "supervisions": 5},
    ]
    lines = (
        json.dumps(cuts).encode() if name.endswith(".json") else b"\n".join(json.dumps(cut).encode() for cut in cuts)
    )
    data = gzip.compress(lines) if name.endswith(".gz") else lines
    (document,), skipped, broken = sorted_items(audio_transcripts.read(make_input(name, data)))
    assert document.text == "hello\nand you" and document.meta["supervisions"] == 2 and "speaker" not in document.meta
    assert (document.meta["start"], document.meta["seconds"], document.meta["frames"]) == (1.0, 2.0, 200)
    assert [item.reason for item in skipped] == ["no_transcript", "mixed_cut", "no_audio"]
    assert [item.reason for item in broken] == ["malformed"]


def test_common_voice(make_input, speech, sorted_items):
    make_input("en/clips/common_voice_en_1.mp3", speech(1.0, "MP3"))
    lines = [
        "client_id\tpath\tsentence\tup_votes\tlocale",
        'a1\tcommon_voice_en_1.mp3\t"""Hello,"" he said."\t2\ten',
        'a2\tcommon_voice_en_2.mp3\tHe said "no\t2\ten',
        "a3\tshort",
    ]
    file = make_input("en/validated.tsv", "\n".join(lines).encode())
    (document,), (skipped,), (broken,) = sorted_items(audio_transcripts.read(file))
    assert (document.text, document.licence, document.meta["locale"]) == ('"Hello," he said.', "CC0-1.0", "en")
    assert skipped.reason == "no_audio" and broken.reason == "malformed"


def test_tables_and_embedded_recordings(make_input, speech, sorted_items):
    make_input("a.wav", speech(2.0))
    rows = [
        {"audio_filepath": "/x/a.wav", "text": "a piece", "offset": 0.5, "duration": 1.0},
        {"text": "of nothing"},
        {"n": 1},
    ]
    file = make_input("manifest.json", b"\n".join(json.dumps(row).encode() for row in rows))
    (document,), (skipped,), (broken,) = sorted_items(audio_transcripts.read(file))
    assert (document.text, document.meta["seconds"], document.meta["start"]) == ("a piece", 1.0, 0.5)
    assert skipped.reason == "no_audio" and broken.reason == "wrong_columns"
    stream = io.BytesIO()
    held = [{"audio": {"bytes": speech(), "path": "b.wav"}, "transcription": "inside"}]
    pq.write_table(pa.Table.from_pylist(held), stream)
    (document,), _, _ = sorted_items(audio_transcripts.read(make_input("t.parquet", stream.getvalue())))
    assert document.text == "inside" and document.meta["recording"] == "b.wav" and document.meta["frames"] == 50


def test_long_and_broken_recordings(make_input, speech, sorted_items):
    make_input("wavs/long.wav", speech(121.0, rate=8000))
    make_input("wavs/broken.wav", speech()[:5000])
    file = make_input("metadata.csv", b"long|too much\nbroken|cut short\n")
    documents, (skipped,), (broken,) = sorted_items(audio_transcripts.read(file))
    assert not documents and (skipped.reason, broken.reason) == ("too_long", "truncated")


def test_every_recording_is_read_or_counted(make_input, speech, tmp_path):
    make_input("wavs/LJ1.wav", speech())
    make_input("wavs/LJ2.wav", b"whatever")
    make_input("metadata.csv", b"LJ1|some words\n")
    make_input("utt2spk", b"x")
    found = plan(SOURCE, expand(str(tmp_path / "in")), 1 << 20)
    assert [unit.file.name for unit in found.units] == ["metadata.csv", "wavs/LJ2.wav"] and not found.unclaimed
    (only,) = audio_transcripts.read(found.units[1].file)
    assert isinstance(only, Skipped) and only.reason == "no_transcript"
    told = next(file for file in expand(str(tmp_path / "in")) if file.stem == "lj1.wav")
    assert list(audio_transcripts.read(told)) == []


def test_real_samples(samples, input_files, sorted_items):
    found = plan(SOURCE, input_files(samples("multimodal/audio_transcripts")), 1 << 30)
    total = 0
    for unit in found.units:
        documents, skipped, broken = sorted_items(SOURCE.readers[unit.reader].read(unit.file))
        total += len(documents)
        assert not broken and {item.reason for item in skipped} <= {"not_run", "no_audio", "no_transcript"}
        for document in documents:
            features = arrays.unpack(document.media)
            assert features.shape == (document.meta["frames"], 80) and np.isfinite(features).all()
            assert features.shape[0] == pytest.approx(100 * document.meta["seconds"], abs=1)
        if unit.file.stem == "text":
            lines = [line for line in unit.file.read().splitlines() if line.strip()]
            assert len(documents) + len(skipped) == len(lines)
    assert total


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_nothing_raises(make_input, sorted_items, data):
    word = st.sampled_from(
        ["u1", "|", "\t", " ", "\n", "0.5", "-1", "nan", "1e999", "a.wav", "wavs/../..", "\x00", '"', "é", "{}"]
    )
    text = st.lists(word, max_size=12).map("".join).map(str.encode) | st.binary(max_size=60)
    for name in ("wav.scp", "segments", "utt2spk"):
        make_input(name, data.draw(text))
    make_input("a.wav", b"RIFF" + data.draw(st.binary(max_size=60)))
    for name in ("text", "metadata.csv", "84-1.trans.txt", "a.tsv", "a.csv", "a.jsonl"):
        sorted_items(audio_transcripts.read(make_input(name, data.draw(text))))
    keys = st.sampled_from(
        ["id", "text", "audio", "path", "bytes", "supervisions", "recording", "sources", "start", "duration"]
    )
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["a.wav", "\ud800", "file", ""])
    tree = st.recursive(leaves, lambda x: st.lists(x, max_size=2) | st.dictionaries(keys, x, max_size=5), max_leaves=12)
    sorted_items(audio_transcripts.read(make_input("cuts.json", json.dumps(data.draw(tree)).encode())))

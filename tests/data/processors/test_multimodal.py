"""The multimodal processor: what each profile keeps and drops, and that media are never changed."""

import dataclasses
import io
import json
import os
import pathlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from data.document import Document, Reject
from data.formats import arrays, audio
from data.generators import rendered_scenes
from data.processors import multimodal
from data.processors.rules import Rule

CAPTION = "Two brown horses graze beside a quiet mountain lake"


def picture(size=(320, 240), kind="PNG", seed=0):
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8))
    stream = io.BytesIO()
    coarse.resize(size, Image.Resampling.BICUBIC).save(stream, kind)
    return stream.getvalue()


def blank(size=(320, 240)):
    stream = io.BytesIO()
    Image.new("RGB", size, (250, 250, 250)).save(stream, "PNG")
    return stream.getvalue()


def document(text=CAPTION, media=None, media_type="image/png", **meta):
    return Document(
        text,
        "multimodal",
        "s:f#1",
        "CC0-1.0",
        media=picture() if media is None else media,
        media_type=media_type,
        meta=meta,
    )


def recording(seconds=3.0, level=0.5, text="and so they all went home again", meta_seconds=None):
    times = np.arange(round(seconds * 16_000)) / 16_000
    samples = (level * np.sin(2 * np.pi * 440 * times) * (1 + np.sin(9 * times)) / 2).astype(np.float32)
    media = arrays.pack(audio.log_mel(samples).astype(np.float16))
    return document(text, media, arrays.MEDIA_TYPE, seconds=seconds if meta_seconds is None else meta_seconds)


def clip(count=6, size=(96, 128), moving=True, text=CAPTION, seconds=4.0):
    rng = np.random.default_rng(0)
    first = rng.integers(0, 255, (*size, 3), dtype=np.uint8)
    frames = np.stack([np.roll(first, 7 * number if moving else 0, axis=1) for number in range(count)])
    return document(text, arrays.pack(frames), arrays.MEDIA_TYPE, seconds=seconds)


PAGE = "<html><head><title>t</title><style>p {}</style></head><body>" + "".join(
    f"<p>Paragraph {n} says something new about {word}</p>" for n, word in enumerate(("cats", "rivers", "towns", "art"))
) + "</body></html>"  # fmt: skip


def test_good_documents_pass_unchanged():
    for profile, good in (
        ("images", document()),
        ("figures", document("Accuracy against training steps for three learning rates")),
        ("screens", document(PAGE, code="html")),
        ("audio", recording()),
        ("video", clip()),
        ("scenes", document("Image: a red circle.")),
    ):
        assert multimodal.quality_filter(good, profile) is good


@pytest.mark.parametrize(
    ("profile", "bad", "reason"),
    [
        ("images", document(media=b"<svg xmlns='x'><script/></svg>", media_type="image/svg+xml"), "svg"),
        ("images", document(media_type="image/svg+xml"), "svg"),
        ("images", document(media=picture()[:900]), "undecodable"),
        ("images", document(media=b""), "undecodable"),
        ("images", document(media=picture((199, 300))), "too_small"),
        ("images", document(media=picture((200, 601))), "aspect_ratio"),
        ("images", document(media=blank()), "blank"),
        ("images", document("Horses graze"), "caption_words"),
        ("images", document(" ".join(f"w{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(257))), "caption_words"),
        ("images", document("a b c"), "caption_chars"),
        ("images", document("2019-03-04 12:44:10 $399.99 #4411 now"), "caption_letters"),
        ("images", document("DSC_0412.JPG img 20190304 front"), "caption_is_name"),
        ("images", document("see https://example.org/a/long/path/to/some/page.html?with=query now"), "caption_is_name"),
        ("images", document("cheap cheap cheap cheap shoes here"), "caption_repetition"),
        ("images", document("buy this now buy this now buy this now buy this now"), "caption_repeats_itself"),
        ("figures", document(media=picture((60, 200)), text=CAPTION), "too_small"),
        ("figures", document("Gravel"), "caption_words"),
        ("screens", document("<p>only some words without any tags at all</p>", code="html"), "page_tags"),
        ("screens", document("<html><body><script>five words or more</script><p></p>", code="html"), "caption_words"),
        ("screens", document(PAGE + " " * 200_000, code="html"), "page_chars"),
        ("screens", document(PAGE, media=blank(), code="html"), "blank"),
        ("audio", recording(0.2), "duration"),
        ("audio", recording(level=0.0), "silence"),
        ("audio", recording(level=1e-5), "silence"),
        ("audio", recording(text="..."), "caption_words"),
        ("audio", recording(text="so " * 80), "speech_rate"),
        ("audio", recording(9.0, text="again and again and again and again and again"), "caption_repeats_itself"),
        ("audio", document("some words", b"RIFF....WAVE", "audio/wav"), "undecodable"),
        ("audio", document("some words", b"\x93NUMPY\x01\x00junk", arrays.MEDIA_TYPE), "undecodable"),
        ("video", clip(moving=False), "still"),
        ("video", clip(size=(20, 20)), "too_small"),
        ("video", clip(seconds=0.0), "duration"),
        ("video", clip(text="video0012.mp4"), "caption_words"),
        ("scenes", document(media=picture()[:900]), "undecodable"),
    ],
)  # fmt: skip
def test_each_rule_drops_what_it_is_for(profile, bad, reason):
    verdict = multimodal.quality_filter(bad, profile)
    assert isinstance(verdict, Reject) and verdict.reason == reason and verdict.evidence


def test_half_silence_is_kept_and_mostly_silence_is_not():
    spoken = arrays.unpack(recording().media)
    quiet = np.full_like(spoken, spoken.min())
    for parts, kept in (((spoken, quiet), True), ((spoken[:30], quiet, quiet), False)):
        made = document("and so they went", arrays.pack(np.concatenate(parts)), arrays.MEDIA_TYPE)
        verdict = multimodal.quality_filter(made, "audio")
        assert (verdict is made) == kept and (kept or verdict.reason == "mostly_silence")


def test_measures_name_every_rule_and_agree_with_the_filter():
    for name, profile in multimodal.PROFILES.items():
        assert profile.name == name
        rules = [step for step in profile.steps if isinstance(step, Rule)]
        assert len({rule.name for rule in rules}) == len(rules) == len(profile.steps) and all(
            rule.paper for rule in rules
        )
        for made in (
            document(),
            document(media=b"junk"),
            document("", blank()),
            recording(),
            clip(),
            document(PAGE, code="html"),
        ):
            found = multimodal.measures(made, name)
            assert list(found) == [rule.name for rule in rules] and all(np.isfinite(value) for value in found.values())
            dropped = next((rule.name for rule in rules if not rule.keeps(found[rule.name])), None)
            verdict = multimodal.quality_filter(made, name)
            assert (verdict.reason if isinstance(verdict, Reject) else None) == dropped


def brightness_named(text, media, media_type):
    return {"bright": 0.9, "dark": 0.1}.get(text.split()[0])


def test_a_scorer_of_agreement_decides_last():
    bright, dark, unknown = (document(f"{word} fields under clouds") for word in ("bright", "dark", "other"))
    assert multimodal.quality_filter(bright, "images", agreement=brightness_named) is bright
    assert multimodal.quality_filter(unknown, "images", agreement=brightness_named) is unknown
    verdict = multimodal.quality_filter(dark, "images", agreement=brightness_named)
    assert isinstance(verdict, Reject) and verdict.reason == "agreement"
    assert multimodal.quality_filter(dark, "images", agreement=brightness_named, min_agreement=0.05) is dark
    assert multimodal.measures(bright, "images", agreement=brightness_named)["agreement"] == 0.9
    assert "agreement" not in multimodal.measures(unknown, "images", agreement=brightness_named)
    small = document(media=picture((32, 32)))
    assert multimodal.quality_filter(small, "images", agreement=lambda *_: pytest.fail("asked")).reason == "too_small"


def test_unknown_profiles_are_named():
    with pytest.raises(ValueError, match="images, figures"):
        multimodal.quality_filter(document(), "pictures")


def test_standard_form_of_captions():
    made = document(
        "  Cafe\u0301\u00a0 by \t the\r\nsea \n\n\n\n at  night ", media=picture(kind="JPEG"), media_type="image/png"
    )
    found = multimodal.standardize_format(made)
    assert found.text == "Caf\u00e9 by the\nsea\n\nat night"
    assert (found.media, found.media_type) == (made.media, "image/jpeg")
    assert multimodal.standardize_format(found) is found


def test_standard_form_of_pages_keeps_their_indentation():
    found = multimodal.standardize_format(document("<p>\r\n    a  b   \n</p>\n", code="html"))
    assert found.text == "<p>\n    a  b\n</p>"


def test_nothing_to_standardise():
    assert multimodal.standardize_format(document(" \n")).reason == "no_text"
    assert multimodal.standardize_format(document(media=b"")).reason == "no_media"


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=40), st.booleans())
def test_standardising_twice_changes_nothing(text, is_page):
    meta = {"code": "html"} if is_page else {}
    once = multimodal.standardize_format(document(text, media=b"\xff\xd8\xff", media_type="image/jpeg", **meta))
    assert isinstance(once, Reject) or multimodal.standardize_format(once) is once


def test_the_expert_is_told_sizes():
    assert multimodal.prepare_for_expert(document()).meta == {"width": 320, "height": 240, "frames": 1}
    assert multimodal.prepare_for_expert(clip()).meta == {"seconds": 4.0, "width": 128, "height": 96, "frames": 6}
    assert multimodal.prepare_for_expert(recording()).meta == {"seconds": 3.0, "frames": 300, "bands": 80}
    silent = recording(level=0.0)
    assert multimodal.prepare_for_expert(silent).meta["bands"] == 80
    verdict = multimodal.prepare_for_expert(document(media=picture()[:500]))
    assert isinstance(verdict, Reject) and verdict.reason == "undecodable" and "truncated" in verdict.evidence


@pytest.mark.parametrize("level", ["objects", "charts"])
def test_generated_drawings_pass_and_their_certificates_still_hold(level):
    for index in range(5):
        made = rendered_scenes.generate(level, 3, index)
        kept = multimodal.quality_filter(made, "scenes")
        ready = multimodal.prepare_for_expert(multimodal.standardize_format(kept))
        assert (ready.text, ready.media) == (made.text, made.media) and rendered_scenes.verify(ready)


def test_people_write_captions_that_pass():
    base = pathlib.Path(os.environ.get("MISTRAL_MOE_SAMPLES", pathlib.Path(__file__).resolve().parents[4] / "shared"))
    folder = base / "benchmarks" / "coco_mini"
    if not folder.exists():
        pytest.skip(f"no real samples at {folder}; set MISTRAL_MOE_SAMPLES to the folder that holds benchmarks/")
    kept = total = 0
    for line in (folder / "captions_cc_by_subset.jsonl").read_text().splitlines():
        row = json.loads(line)
        media = (folder / "images" / row["image"]).read_bytes()
        for caption in row["captions"]:
            total += 1
            made = document(caption, media, "image/jpeg")
            kept += multimodal.quality_filter(made, "images") is made
            # The same picture under a camera's name for it is no pair worth keeping.
            assert isinstance(multimodal.quality_filter(dataclasses.replace(made, text=row["image"]), "images"), Reject)
    assert total > 100 and kept >= 0.97 * total


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=60) | st.sampled_from([PAGE, "<script " * 2000, "a-" * 20_000, "x" * 50_000, "_" * 50_000]),
    st.sampled_from([picture((24, 24)), recording(0.1).media, clip(2, (8, 8)).media]) | st.binary(max_size=80),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=6),
    st.dictionaries(st.sampled_from(["code", "seconds"]), st.sampled_from(["html", "x", None, float("nan"), -1, True])),
)
@pytest.mark.slow
def test_nothing_raises(text, media, changes, meta):
    broken = bytearray(media)
    for position, value in changes:
        if broken:
            broken[position % len(broken)] = value
    made = document(text, bytes(broken), "image/png", **meta)
    for profile in multimodal.PROFILES:
        assert isinstance(multimodal.quality_filter(made, profile), (Document, Reject))
        assert all(np.isfinite(value) for value in multimodal.measures(made, profile).values())
    assert isinstance(multimodal.standardize_format(made), (Document, Reject))
    assert isinstance(multimodal.prepare_for_expert(made), (Document, Reject))

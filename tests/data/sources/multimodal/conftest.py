"""Small pictures, clips and recordings, and what every source is held to whatever its input."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from data.document import Document, Quarantined, Skipped


@pytest.fixture(scope="session")
def picture():
    """picture(kind="PNG", seed=0, size=(64, 48)) -> encoded bytes of a picture."""

    def make(kind="PNG", seed=0, size=(64, 48)) -> bytes:
        rng = np.random.default_rng(seed)
        coarse = Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8))
        stream = io.BytesIO()
        coarse.resize(size, Image.Resampling.BICUBIC).save(stream, kind)
        return stream.getvalue()

    return make


@pytest.fixture(scope="session")
def speech():
    """speech(seconds=0.5, kind="WAV", rate=16000) -> encoded bytes of a sound."""

    def make(seconds=0.5, kind="WAV", rate=16_000, hertz=440) -> bytes:
        import soundfile

        stream = io.BytesIO()
        times = np.arange(round(seconds * rate)) / rate
        soundfile.write(stream, 0.5 * np.sin(2 * np.pi * hertz * times), rate, format=kind)
        return stream.getvalue()

    return make


@pytest.fixture(scope="session")
def movie():
    """movie(seconds=1, kind="mp4") -> encoded bytes of a clip whose grey level rises by 5 a frame."""

    def make(seconds=1, kind="mp4") -> bytes:
        import av

        stream = io.BytesIO()
        with av.open(stream, "w", format=kind) as container:
            track = container.add_stream("mpeg4", rate=10)
            track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
            for number in range(round(10 * seconds)):
                grey = np.full((48, 64, 3), 5 * (number % 50), np.uint8)
                container.mux(track.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
            container.mux(track.encode())
        return stream.getvalue()

    return make


@pytest.fixture(scope="session")
def sorted_items():
    """sorted_items(items) -> (documents, skipped, quarantined), after checks that hold for every reader."""

    def sort(items):
        found = list(items)
        documents = [item for item in found if isinstance(item, Document)]
        skipped = [item for item in found if isinstance(item, Skipped)]
        broken = [item for item in found if isinstance(item, Quarantined)]
        assert len(documents) + len(skipped) + len(broken) == len(found)
        for document in documents:
            assert document.text.strip() and "\x00" not in document.text and document.text.encode("utf-8")
            assert document.domain == "multimodal" and document.media and document.media_type and document.licence
            assert document.source.encode("utf-8") and document.level == ""
            json.dumps(document.meta, allow_nan=False).encode("utf-8")
        for item in skipped + broken:
            assert item.reason == item.reason.lower() and " " not in item.reason
            item.evidence.encode("utf-8")
            assert item.num_bytes >= 0 and item.offset >= 0 and item.path
        return documents, skipped, broken

    return sort

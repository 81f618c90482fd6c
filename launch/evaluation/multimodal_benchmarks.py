"""Benchmarks of pictures, on what is there of them in words until the model sees: each says so in its reason."""

from __future__ import annotations

from launch.evaluation.benchmark import Benchmark
from launch.evaluation.picture_captions import coco_captions, winoground
from launch.evaluation.picture_questions import pope, vqa

BENCHMARKS: tuple[Benchmark, ...] = (
    Benchmark("vqa", "multimodal", vqa),
    Benchmark("coco_captions", "multimodal", coco_captions),
    Benchmark("winoground", "multimodal", winoground),
    Benchmark("pope", "multimodal", pope),
)

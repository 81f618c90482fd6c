"""The benchmarks of code."""

from __future__ import annotations

from launch.evaluation.benchmark import Benchmark
from launch.evaluation.contest_problems import code_contests
from launch.evaluation.function_problems import humaneval, mbpp
from launch.evaluation.repository_patches import swe_bench

BENCHMARKS = (
    Benchmark("humaneval", "code", humaneval),
    Benchmark("mbpp", "code", mbpp),
    Benchmark("code_contests", "code", code_contests),
    Benchmark("swe_bench", "code", swe_bench),
)

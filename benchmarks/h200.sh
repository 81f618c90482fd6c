#!/bin/sh
# All benchmarks that need a GPU, in one call of under ten minutes, without TensorFlow in the environment:
#   sh benchmarks/h200.sh OUT_DIR
# Writes a markdown table and the figures as JSON for each into OUT_DIR. Needs jax[cuda], flax, optax, torch (CUDA),
# transformers, safetensors and absl-py; PYTHON names the interpreter.
set -eu

out=${1:?usage: sh benchmarks/h200.sh OUT_DIR}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")/.."
status=0

train_step() {
    shape=$1
    limit=$2
    timeout "$limit" "${PYTHON:-python3}" -m benchmarks.train_step --shapes="$shape" --dtype=bfloat16 \
        --implementations=grouped_mm --torch_compile --scan_unroll=1 --rounds=5 --steps=5 \
        --json="$out/train_step_$shape.json" --markdown="$out/train_step_$shape.md" \
        > "$out/train_step_$shape.log" 2>&1 || status=1
    tail -n 4 "$out/train_step_$shape.log"
}

train_step 1b 270
train_step 3b 300
exit $status

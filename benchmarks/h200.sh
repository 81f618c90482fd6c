#!/bin/sh
# All benchmarks that need a GPU, in one call of under ten minutes, without TensorFlow in the environment:
#   sh benchmarks/h200.sh OUT_DIR
# Writes a markdown table and the figures as JSON for each into OUT_DIR. Needs jax[cuda], flax, optax, orbax-checkpoint, tokamax,
# torch (CUDA), transformers, safetensors and absl-py; PYTHON names the interpreter.
set -eu

out=${1:?usage: sh benchmarks/h200.sh OUT_DIR}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")/.."
status=0

# NAME LIMIT MODULE FLAGS...: what is cut short or fails does not keep the others from running.
measure() {
    name=$1
    limit=$2
    shift 2
    timeout "$limit" "${PYTHON:-python3}" -m "$@" --dtype=bfloat16 --json="$out/$name.json" --markdown="$out/$name.md" \
        > "$out/$name.log" 2>&1 || status=1
    echo "== $name"
    tail -n 6 "$out/$name.log"
}

measure moe_layer 90 benchmarks.moe_layer --shapes=gpu --rounds=15
measure train_step_1b 180 benchmarks.train_step --shapes=1b --implementations=grouped_mm --torch_compile --scan_unroll=1 --rounds=5 --steps=5
measure train_step_3b 170 benchmarks.train_step --shapes=3b --implementations=grouped_mm --torch_compile --scan_unroll=1 --rounds=5 --steps=5
measure generate 150 benchmarks.generate --shapes=1b
exit $status

"""The binaries of mistral_moe: one a stage, plus the pipeline. All side effects live here.

This file is imported before any binary's own imports, so it is the one place where the environment of
TensorFlow, gRPC and matplotlib can still be set. What the user has set is never changed, and nothing heavy
is imported here: a pipeline that finds everything complete must answer at once.
"""

import os

from launch import quiet_tensorflow

_ENVIRONMENT = {
    # Warnings of C++ libraries would bury the one line that says what went wrong.
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "GLOG_minloglevel": "2",
    "GRPC_VERBOSITY": "ERROR",
    # TensorFlow only decodes records here: no notice about oneDNN, and no claim on the GPU memory JAX needs.
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    # Figures are written to files, on machines without a display.
    "MPLBACKEND": "Agg",
}

for _name, _value in _ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)

quiet_tensorflow.install()

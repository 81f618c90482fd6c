"""The safety gates: what binds a model, data, detectors and measures."""

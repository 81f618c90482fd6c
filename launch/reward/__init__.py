"""The reward model: its pairs, its training, and what is measured of it."""

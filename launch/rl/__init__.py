"""Reinforcement learning of a run: problems, answers, scores, and the loop between them."""

"""Self-improvement: what is sampled, what is kept of it, what is taught, and what is held against that."""

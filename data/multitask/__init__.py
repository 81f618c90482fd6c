"""Tasks of multi-task training: one file a task, from a document to a prompt and what is learned after it."""

"""Teaching a model examples of problems that a program can check, and what is held against it before and after."""

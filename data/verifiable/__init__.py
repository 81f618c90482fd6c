"""Problems whose answers a program can check: what is asked, how they are drawn, and how an answer is judged.

problem.Problem      what the model reads, and what makes an answer right
tasks.problems       arithmetic and functions, some for very small models, in two splits that share nothing
verify.Verifier      right or wrong, and in the asked form or not
"""

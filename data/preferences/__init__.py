"""Pairs of answers of which a person, or a program, prefers one.

pair.Pair            a prompt, the preferred answer and the other
fields.pair_of       what a row of a known format says
reading.read         the pairs of files, and an account of every row
generated.generate   right and wrong answers to verifiable problems
encoding.encode      pairs as tokens that fit a window
"""

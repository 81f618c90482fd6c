"""Templates of propositional logic: one rule, chains of rules, and derivations or counterexamples."""

from __future__ import annotations

import random

from data.generators import logic_solvers as solvers
from data.generators.logic_checks import CANNOT_BE_KNOWN, Puzzle

_FACTS = (
    "it rains", "the street is wet", "the lamp is on", "the door is open", "the cat sleeps", "the bell rings",
    "the shop is closed", "the train is late", "the garden is green", "the alarm is set", "the window is shut",
    "the kettle boils", "the bridge is up", "the flag flies", "the pump runs", "the gate is locked", "the tea is hot",
    "the office is empty", "the signal is red", "the ship has left", "the snow melts", "the fan turns",
)  # fmt: skip
_NEGATED = {
    "it rains": "it does not rain", "the cat sleeps": "the cat does not sleep", "the bell rings": "the bell is silent",
    "the kettle boils": "the kettle does not boil", "the flag flies": "the flag does not fly",
    "the pump runs": "the pump does not run", "the ship has left": "the ship has not left",
    "the snow melts": "the snow does not melt", "the fan turns": "the fan does not turn",
}  # fmt: skip
_TERMS = (
    "robins", "painters", "violins", "maples", "pilots", "kites", "lanterns", "bakers", "turtles", "rivers", "poets",
    "clocks", "wolves", "tailors", "ferns", "drums", "sailors", "ovens", "foxes", "judges", "tulips", "engines",
)  # fmt: skip
_PEOPLE = ("Ada", "Ben", "Chloe", "Dmitri", "Elena", "Farid", "Grace", "Hiro", "Ines", "Jonas", "Kofi", "Lena")
_MORE = (("taller", "tallest", "shortest"), ("older", "oldest", "youngest"), ("faster", "fastest", "slowest"))
_WRITE = {"and": "({} & {})", "or": "({} | {})", "if": "({} -> {})", "iff": "({} <-> {})"}


def say(formula: solvers.Formula) -> str:
    """A formula over everyday facts in words."""
    if isinstance(formula, str):
        return formula
    if formula[0] == "not":
        return _NEGATED.get(formula[1], formula[1].replace(" is ", " is not ", 1))
    left, right = map(say, formula[1:])
    return {"if": f"if {left}, then {right}", "or": f"{left} or {right}", "and": f"{left} and {right}"}[formula[0]]


def write(formula: solvers.Formula) -> str:
    """A formula in symbols: ~ & | -> <->."""
    if isinstance(formula, str):
        return formula
    if formula[0] == "not":
        return f"~{write(formula[1])}"
    return _WRITE[formula[0]].format(*map(write, formula[1:]))


def _sentence(formula: solvers.Formula) -> str:
    text = say(formula)
    return text[0].upper() + text[1:] + "."


def _ask(rng: random.Random, formula: solvers.Formula) -> str:
    form = rng.choice(("Does it follow that {}?", "Is it certain that {}?", "Can we conclude that {}?"))
    return form.format(say(formula))


def _one_rule(rng: random.Random) -> Puzzle:
    p, q = rng.sample(_FACTS, 2)
    rule, fact, question, why, answer = rng.choice(
        (
            (["if", p, q], p, q, "By modus ponens, the condition holds and so does what follows from it.", "yes"),
            (["if", p, q], ["not", q], p, "By modus tollens, the condition would have led to what is false.", "no"),
            (["if", p, q], q, p, "That would affirm the consequent: the condition is one cause among others.", None),
            (["if", p, q], ["not", p], q, "The rule says nothing of the case that its condition fails.", None),
            (["or", p, q], ["not", p], q, "One of the two holds and it is not the first, so it is the second.", "yes"),
            (["or", p, q], p, q, "Both may hold, and the first alone is enough.", None),
        )
    )
    premises = [rule, fact]
    if rng.random() < 0.5:
        premises.reverse()
    steps = [f"We know: {say(rule)}.", f"We also know that {say(fact)}.", why]
    facts = {"premises": premises, "question": question}
    text = " ".join(map(_sentence, premises)) + " " + _ask(rng, question)
    return Puzzle(text, steps, answer or CANNOT_BE_KNOWN, "entailment", facts)


def _quantified(statement: tuple[str, str, str]) -> str:
    quantifier, subject, predicate = statement
    return {"all": "all {} are {}", "no": "no {} are {}", "some": "some {} are {}", "some_not": "some {} are not {}"}[
        quantifier
    ].format(subject, predicate)


def _syllogism(rng: random.Random) -> Puzzle:
    a, b, c = rng.sample(_TERMS, 3)
    first, second, conclusion, why = rng.choice(
        (
            (("all", a, b), ("all", b, c), ("all", a, c), f"Whatever is among {a} is among {b}, hence among {c}."),
            (("all", a, b), ("no", b, c), ("no", a, c), f"The {a} lie inside {b}, and {b} share nothing with {c}."),
            (("some", a, b), ("all", b, c), ("some", a, c), f"Those {a} that are {b} are {c} as well."),
            (("some", a, b), ("no", b, c), ("some_not", a, c), f"Those {a} that are {b} cannot be {c}."),
            (("all", a, b), ("all", c, b), ("all", a, c), f"Both lie inside {b} but may lie apart there."),
            (("some", a, b), ("some", b, c), ("some", a, c), f"The {b} that are {a} need not be those that are {c}."),
            (("no", a, b), ("no", b, c), ("no", a, c), f"Being apart from {b} says nothing of {a} and {c} together."),
        )
    )
    premises = [first, second]
    rng.shuffle(premises)
    answer = "yes" if solvers.syllogism(premises, conclusion) else CANNOT_BE_KNOWN
    question = " ".join(_quantified(p).capitalize() + "." for p in premises)
    question += f" Does it follow that {_quantified(conclusion)}?"
    facts = {"premises": [list(p) for p in premises], "conclusion": list(conclusion)}
    return Puzzle(question, [f"Consider {a}, {b} and {c} as sets.", why], answer, "syllogism", facts)


def _comparison(rng: random.Random) -> Puzzle:
    people = rng.sample(_PEOPLE, 3)
    more, most, least = rng.choice(_MORE)
    clues = [["before", people[0], people[1]], ["before", people[1], people[2]]]
    top = rng.random() < 0.5
    shown = [f"{first} is {more} than {second}." for _, first, second in clues]
    rng.shuffle(shown)
    steps = [
        f"{people[0]} is {more} than {people[1]}, who is {more} than {people[2]}.",
        f"So {people[0]} is the {most} and {people[2]} the {least}.",
    ]
    question = f"{' '.join(shown)} Who of the three is the {most if top else least}?"
    facts = {"people": sorted(people), "clues": clues, "place": 1 if top else 3}
    return Puzzle(question, steps, people[0] if top else people[2], "ranking", facts)


def _chain(rng: random.Random) -> Puzzle:
    length = rng.randint(3, 6)
    facts = rng.sample(_FACTS, length + 3)
    chain, spare = facts[: length + 1], facts[length + 1 :]
    rules = [["if", p, q] for p, q in zip(chain, chain[1:])]
    distractors = [["if", spare[0], rng.choice(chain[1:])], ["if", spare[1], spare[0]]]
    backwards = rng.random() < 0.4
    given = ["not", chain[-1]] if backwards else chain[0]
    derived = [["not", p] for p in reversed(chain[:-1])] if backwards else chain[1:]
    kind = rng.choice(("follows", "follows", "opposite", "open"))
    question = derived[-1]
    answer = "yes"
    if kind == "open":
        question, answer = spare[0] if backwards else spare[1], None
    elif isinstance(question, list):
        question, answer = question[1], "no"
    elif kind == "opposite":
        distractors.append(["if", derived[-1], ["not", spare[0]]])
        derived = [*derived, ["not", spare[0]]]
        question, answer = spare[0], "no"
    premises = rules + distractors
    rng.shuffle(premises)
    premises.append(given)
    if answer is None:
        verdicts = (solvers.entails(premises, question), solvers.entails(premises, ["not", question]))
        answer = "yes" if verdicts[0] else "no" if verdicts[1] else CANNOT_BE_KNOWN
    steps = [f"It is given that {say(given)}."]
    steps += [f"With the rules this means that {say(step)}." for step in derived]
    if answer == CANNOT_BE_KNOWN:
        steps.append(f"No rule leads from there to whether {say(question)}.")
    elif question not in derived and ["not", question] not in derived:
        steps.append(f"The rule with {say(question)} as its condition would contradict this.")
    text = " ".join(map(_sentence, premises)) + " " + _ask(rng, question)
    return Puzzle(text, steps, answer, "entailment", {"premises": premises, "question": question, "derived": derived})


def _ranking(rng: random.Random) -> Puzzle:
    people = rng.sample(_PEOPLE, rng.randint(4, 6))
    more, most, least = rng.choice(_MORE)
    clues = [["before", a, b] for a, b in zip(people, people[1:])]
    place = rng.randint(1, len(people))
    shown = [
        f"{a} is {more} than {b}." if rng.random() < 0.6 else f"{b} is less {_base(more)} than {a}."
        for _, a, b in clues
    ]
    rng.shuffle(shown)
    steps = [f"From {a} we get to {b}, who comes right below." for _, a, b in clues]
    steps.append(f"The order from the {most} to the {least} is {', '.join(people)}.")
    question = f"{' '.join(shown)} Who is number {place} when they are listed from the {most} to the {least}?"
    facts = {"people": sorted(people), "clues": clues, "place": place}
    return Puzzle(question, steps, people[place - 1], "ranking", facts)


def _base(comparative: str) -> str:
    return {"taller": "tall", "older": "old", "faster": "fast"}[comparative]


def _derivation(rng: random.Random) -> Puzzle:
    """Grows a derivation forwards: each round brings the premise that the next rule needs."""
    names = [f"p{n}" for n in range(1, 11)]
    rng.shuffle(names)
    current, fresh = names.pop(), list(names)
    premises: list[solvers.Formula] = [current]
    plan: list[tuple[solvers.Formula, solvers.Formula | None, str]] = []
    for _ in range(rng.randint(3, 5)):
        new = fresh.pop()
        kind = rng.choice(("ponens", "tollens", "disjunctive", "and"))
        if kind == "ponens":
            needed, result, rule = ["if", current, new], new, "modus ponens"
        elif kind == "tollens":
            needed, result, rule = ["if", new, ["not", current]], ["not", new], "modus tollens"
        elif kind == "disjunctive":
            needed, result, rule = ["or", ["not", current], new], new, "disjunctive syllogism"
        else:
            needed, result, rule = new, ["and", current, new], "conjunction"
        plan.append((result, needed, rule))
        premises.append(needed)
        current = result
    rng.shuffle(premises)
    numbers = {write(formula): number for number, formula in enumerate(premises, 1)}
    start = next(formula for formula in premises if formula not in [needed for _, needed, _ in plan])
    last, lines, steps = numbers[write(start)], [], []
    for result, needed, rule in plan:
        used = sorted((last, numbers[write(needed)]))
        last = len(premises) + len(lines) + 1
        lines.append([result, used])
        steps.append(f"({last}) {write(result)}, from ({used[0]}) and ({used[1]}) by {rule}.")
    listed = " ".join(f"({number}) {write(formula)}." for number, formula in enumerate(premises, 1))
    question = f"{rng.choice(('Derive', 'Prove', 'Deduce'))} {write(current)} from the premises {listed}"
    return Puzzle(question, steps, "proved", "proof", {"premises": premises, "lines": lines, "goal": current})


def _refutation(rng: random.Random) -> Puzzle:
    """Draws premises until a world satisfies them and not the goal, and shows that world."""
    names = [f"p{n}" for n in sorted(rng.sample(range(1, 10), 4))]
    while True:
        premises = [_random_formula(rng, names) for _ in range(rng.randint(3, 4))]
        goal = _random_formula(rng, names)
        found = [w for w in solvers.worlds(premises, [*names, goal]) if not solvers.truth(goal, w)]
        if found:
            break
    world = rng.choice(found)
    shown = ", ".join(f"{name} {'true' if world[name] else 'false'}" for name in names)
    steps = [f"Let {shown}."] + [f"Then {write(premise)} is true." for premise in premises]
    steps.append(f"But {write(goal)} is false, so the premises do not force it.")
    listed = ", ".join(map(write, premises))
    question = f"Prove or refute: {write(goal)} follows from {listed}."
    return Puzzle(question, steps, "not valid", "countermodel", {"premises": premises, "goal": goal, "world": world})


def _random_formula(rng: random.Random, names: list[str]) -> solvers.Formula:
    left, right = (name if rng.random() < 0.7 else ["not", name] for name in rng.sample(names, 2))
    return [rng.choice(("if", "or", "and", "if", "or")), left, right]


ONE_STEP = (_one_rule, _syllogism, _comparison)
MULTI_STEP = (_chain, _ranking)
PROOF = (_derivation, _derivation, _refutation)

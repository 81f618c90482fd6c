"""Values and derivatives of formulas at points, by forward differentiation over complex numbers.

What is computed is the pair (f, df/dx) at one point, with the rules of calculus; no formula is transformed, so the
work is that of visiting each node of its tree once. Numbers are Python's, or mpmath's where more digits are needed.
Functions with a parameter (PolyLog, Gamma, ...) are differentiated by their argument, and only where the parameter
doesn't move.
"""

from __future__ import annotations

import cmath
import dataclasses
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from data.sources.math.mathematica import Tree

MAX_SPECIAL = 120  # calls of special functions at one point
MAX_EXPONENT = 5000.0
Pair = tuple[Any, Any]


class NotComputable(ValueError):
    """A point at which the formula has no value here, or a function that is not known."""


@dataclasses.dataclass(frozen=True)
class Numbers:
    """The numbers to compute with: elementary functions, and the conversions into them."""

    functions: Any
    make: Callable[[Fraction], Any]
    imaginary: Any


def doubles() -> Numbers:
    """Python's complex numbers."""
    functions = SimpleNamespace(
        **{name: getattr(cmath, name) for name in (
            "exp log sqrt sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh"
        ).split()}, pi=cmath.pi, euler=0.5772156649015329, e=cmath.e, catalan=0.915965594177219,
    )  # fmt: skip
    return Numbers(functions, complex, 1j)


def many_digits(digits: int = 40) -> Numbers:
    """mpmath's, of that many digits, in a context of their own."""
    import mpmath

    context = mpmath.MPContext()
    context.dps = digits
    return Numbers(context, lambda value: context.mpc(value.numerator) / value.denominator, context.mpc(0, 1))


class At:
    """Formulas at one point.

    Args:
      numbers: see `doubles` and `many_digits`.
      values: of the variables.
      variable: the one to differentiate by.
    """

    def __init__(self, numbers: Numbers, values: Mapping[str, Fraction], variable: str):
        self._numbers, self._f = numbers, numbers.functions
        self._values = {name: numbers.make(value) for name, value in values.items()}
        self._variable = variable
        self._special = 0

    def pair(self, tree: Tree) -> Pair:
        """Value and derivative.

        Raises:
          NotComputable: there is none that could be computed.
        """
        try:
            return self._pair(tree)
        except (ArithmeticError, ValueError, TypeError, RecursionError, MemoryError) as error:
            raise NotComputable(f"{type(error).__name__}: {error}") from error

    def _pair(self, tree: Tree) -> Pair:
        if isinstance(tree, Fraction):
            return self._numbers.make(tree), 0
        if isinstance(tree, str):
            return self._name(tree)
        head, arguments = tree[0], tree[1:]
        if head in ("Unintegrable", "CannotIntegrate", "Integrate", "Int") and len(arguments) == 2:
            # Any antiderivative will do: the value is unknown, the derivative is the integrand.
            if arguments[1] != self._variable:
                raise NotComputable(f"{head} by another variable")
            return self._numbers.make(Fraction(71, 97)), self._pair(arguments[0])[0]
        pairs = [self._pair(argument) for argument in arguments]
        rule = _RULES.get((head, len(pairs)))
        if rule is not None:
            return rule(self, *pairs)
        if head == "Plus":
            return sum(value for value, _ in pairs), sum(change for _, change in pairs)
        if head == "Times":
            value, change = pairs[0]
            for other, its_change in pairs[1:]:
                value, change = value * other, value * its_change + change * other
            return value, change
        if len(pairs) == 1 and head in _ELEMENTARY:
            value, change = pairs[0]
            self._bounded(value)
            result, slope = _ELEMENTARY[head](self._f, value)
            return result, slope * change if change != 0 else 0
        raise NotComputable(f"{head} of {len(pairs)}")

    def _name(self, name: str) -> Pair:
        if name in self._values:
            return self._values[name], 1 if name == self._variable else 0
        constants = {"E": "e", "Pi": "pi", "EulerGamma": "euler", "Catalan": "catalan"}
        if name in constants:
            return self._numbers.make(Fraction(1)) * getattr(self._f, constants[name]), 0
        if name == "I":
            return self._numbers.imaginary, 0
        raise NotComputable(name)

    def _bounded(self, value: Any) -> None:
        if not abs(value) < MAX_EXPONENT * 1e6:
            raise NotComputable("a large argument")

    def power(self, base: Pair, exponent: Pair) -> Pair:
        """base^exponent on the principal branch."""
        (value, change), (power, its_change) = base, exponent
        if abs(power) > MAX_EXPONENT:
            raise NotComputable("a large exponent")
        whole = _whole(power)
        if value == 0:
            if whole is None or whole <= 0 or its_change != 0:
                raise NotComputable("a power of zero")
            return value, change if whole == 1 else 0
        if whole is not None:
            result = value**whole
        else:
            self._bounded(value)
            angle = power * self._f.log(value)
            if abs(angle) > MAX_EXPONENT:
                raise NotComputable("a large power")
            result = self._f.exp(angle)
        slope: Any = 0
        if change != 0:
            slope = result * power * change / value
        if its_change != 0:
            slope = slope + result * its_change * self._f.log(value)
        return result, slope

    def special(self, function: str, *arguments: Any, **options: Any) -> Any:
        """A special function's value, from mpmath whatever the numbers."""
        import mpmath

        self._special += 1
        if self._special > MAX_SPECIAL:
            raise NotComputable("too many special functions")
        for argument in arguments:
            if not abs(argument) < 60:
                raise NotComputable("a large argument")
        context = self._f if isinstance(self._f, mpmath.MPContext) else mpmath.mp
        value = getattr(context, function)(*map(context.convert, arguments), **options)
        return value if context is self._f else complex(value)


def _whole(value: Any) -> int | None:
    """A small integer that a number equals."""
    real = value.real if hasattr(value, "real") else value
    if getattr(value, "imag", 0) != 0 or abs(real) > MAX_EXPONENT:
        return None
    nearest = int(round(float(real)))
    return nearest if real == nearest else None


def _still(*pairs: Pair) -> None:
    if any(change != 0 for _, change in pairs):
        raise NotComputable("a parameter that moves")


# Value and slope of functions of one argument.
_ELEMENTARY: dict[str, Callable[[Any, Any], Pair]] = {
    "Exp": lambda f, z: (f.exp(z), f.exp(z)),
    "Log": lambda f, z: (f.log(z), 1 / z),
    "Sqrt": lambda f, z: (f.sqrt(z), 1 / (2 * f.sqrt(z))),
    "Sin": lambda f, z: (f.sin(z), f.cos(z)),
    "Cos": lambda f, z: (f.cos(z), -f.sin(z)),
    "Tan": lambda f, z: (f.tan(z), 1 + f.tan(z) ** 2),
    "Cot": lambda f, z: (1 / f.tan(z), -1 - 1 / f.tan(z) ** 2),
    "Sec": lambda f, z: (1 / f.cos(z), f.tan(z) / f.cos(z)),
    "Csc": lambda f, z: (1 / f.sin(z), -1 / (f.tan(z) * f.sin(z))),
    "Sinh": lambda f, z: (f.sinh(z), f.cosh(z)),
    "Cosh": lambda f, z: (f.cosh(z), f.sinh(z)),
    "Tanh": lambda f, z: (f.tanh(z), 1 - f.tanh(z) ** 2),
    "Coth": lambda f, z: (1 / f.tanh(z), 1 - 1 / f.tanh(z) ** 2),
    "Sech": lambda f, z: (1 / f.cosh(z), -f.tanh(z) / f.cosh(z)),
    "Csch": lambda f, z: (1 / f.sinh(z), -1 / (f.tanh(z) * f.sinh(z))),
    "ArcSin": lambda f, z: (f.asin(z), 1 / f.sqrt(1 - z * z)),
    "ArcCos": lambda f, z: (f.acos(z), -1 / f.sqrt(1 - z * z)),
    "ArcTan": lambda f, z: (f.atan(z), 1 / (1 + z * z)),
    "ArcCot": lambda f, z: (f.atan(1 / z), -1 / (1 + z * z)),
    "ArcSec": lambda f, z: (f.acos(1 / z), 1 / (z * z * f.sqrt(1 - 1 / (z * z)))),
    "ArcCsc": lambda f, z: (f.asin(1 / z), -1 / (z * z * f.sqrt(1 - 1 / (z * z)))),
    "ArcSinh": lambda f, z: (f.asinh(z), 1 / f.sqrt(1 + z * z)),
    "ArcCosh": lambda f, z: (f.acosh(z), 1 / (f.sqrt(z - 1) * f.sqrt(z + 1))),
    "ArcTanh": lambda f, z: (f.atanh(z), 1 / (1 - z * z)),
    "ArcCoth": lambda f, z: (f.atanh(1 / z), 1 / (1 - z * z)),
    "ArcSech": lambda f, z: (f.acosh(1 / z), -1 / (z * z * f.sqrt(1 / z - 1) * f.sqrt(1 / z + 1))),
    "ArcCsch": lambda f, z: (f.asinh(1 / z), -1 / (z * z * f.sqrt(1 + 1 / (z * z)))),
}


def _polylog(at: At, order: Pair, argument: Pair) -> Pair:
    _still(order)
    value, change = argument
    number = _whole(order[0])
    if number is None or not 1 <= number <= 12:
        raise NotComputable("PolyLog of that order")

    def of(n: int) -> Any:
        return -at._f.log(1 - value) if n == 1 else at.special("polylog", n, value)

    slope = 0 if change == 0 else change / (1 - value) if number == 1 else of(number - 1) / value * change
    return of(number), slope


def _simple(function: str, slope: Callable[[Any, Any], Any]) -> Callable[[At, Pair], Pair]:
    def rule(at: At, argument: Pair) -> Pair:
        value, change = argument
        return at.special(function, value), slope(at._f, value) * change if change != 0 else 0

    return rule


def _gamma(at: At, order: Pair, argument: Pair) -> Pair:
    _still(order)
    value, change = argument
    slope = 0 if change == 0 else -at.power((value, 0), (order[0] - 1, 0))[0] * at._f.exp(-value) * change
    return at.special("gammainc", order[0], value), slope


def _constant(function: str) -> Callable[..., Pair]:
    def rule(at: At, *arguments: Pair) -> Pair:
        _still(*arguments)
        return at.special(function, *(value for value, _ in arguments)), 0

    return rule


def _elliptic(function: str, sign: int) -> Callable[[At, Pair, Pair], Pair]:
    def rule(at: At, angle: Pair, parameter: Pair) -> Pair:
        _still(parameter)
        value, change = angle
        root = at._f.sqrt(1 - parameter[0] * at._f.sin(value) ** 2)
        slope = 0 if change == 0 else (root if sign > 0 else 1 / root) * change
        return at.special(function, value, parameter[0]), slope

    return rule


def _hypergeometric(at: At, a: Pair, b: Pair, c: Pair, argument: Pair) -> Pair:
    _still(a, b, c)
    value, change = argument
    first = at.special("hyp2f1", a[0], b[0], c[0], value, maxterms=4000)
    if change == 0:
        return first, 0
    next_one = at.special("hyp2f1", a[0] + 1, b[0] + 1, c[0] + 1, value, maxterms=4000)
    return first, a[0] * b[0] / c[0] * next_one * change


def _product_log(at: At, argument: Pair) -> Pair:
    value, change = argument
    found = at.special("lambertw", value)
    return found, 0 if change == 0 else found / (value * (1 + found)) * change


def _integral_of_order(at: At, order: Pair, argument: Pair) -> Pair:
    _still(order)
    value, change = argument
    found = at.special("expint", order[0], value)
    return found, 0 if change == 0 else -at.special("expint", order[0] - 1, value) * change


def _log_of_base(at: At, base: Pair, argument: Pair) -> Pair:
    _still(base)
    value, change = argument
    scale = at._f.log(base[0])
    return at._f.log(value) / scale, 0 if change == 0 else change / (value * scale)


def _root_pi(f: Any) -> Any:
    return f.sqrt(f.pi)


_RULES: dict[tuple[str, int], Callable[..., Pair]] = {
    ("Power", 2): At.power,
    ("Log", 2): _log_of_base,
    ("PolyLog", 2): _polylog,
    ("Gamma", 2): _gamma,
    ("Gamma", 1): _constant("gamma"),
    ("Factorial", 1): _constant("factorial"),
    ("Zeta", 1): _constant("zeta"),
    ("EllipticF", 2): _elliptic("ellipf", -1),
    ("EllipticE", 2): _elliptic("ellipe", 1),
    ("EllipticE", 1): _constant("ellipe"),
    ("EllipticK", 1): _constant("ellipk"),
    ("Hypergeometric2F1", 4): _hypergeometric,
    ("ProductLog", 1): _product_log,
    ("ExpIntegralE", 2): _integral_of_order,
    ("Erf", 1): _simple("erf", lambda f, z: 2 * f.exp(-z * z) / _root_pi(f)),
    ("Erfc", 1): _simple("erfc", lambda f, z: -2 * f.exp(-z * z) / _root_pi(f)),
    ("Erfi", 1): _simple("erfi", lambda f, z: 2 * f.exp(z * z) / _root_pi(f)),
    ("ExpIntegralEi", 1): _simple("ei", lambda f, z: f.exp(z) / z),
    ("LogIntegral", 1): _simple("li", lambda f, z: 1 / f.log(z)),
    ("SinIntegral", 1): _simple("si", lambda f, z: f.sin(z) / z),
    ("CosIntegral", 1): _simple("ci", lambda f, z: f.cos(z) / z),
    ("SinhIntegral", 1): _simple("shi", lambda f, z: f.sinh(z) / z),
    ("CoshIntegral", 1): _simple("chi", lambda f, z: f.cosh(z) / z),
    ("FresnelS", 1): _simple("fresnels", lambda f, z: f.sin(f.pi * z * z / 2)),
    ("FresnelC", 1): _simple("fresnelc", lambda f, z: f.cos(f.pi * z * z / 2)),
}

"""Numbers that may have to be worked out: a plain one where it is known, else the expression for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from transforms import computed
from transforms.computed import Computed
from transforms.expressions import Arithmetic, Cast, Expression, Number
from transforms.image import nearest_pixel
from transforms.params import Dimensions, Length

from .expression import expression, is_expression

T = TypeVar("T")

Amount = Length | Expression
"""Pixels (int), a fraction of the picture (float), or what is worked out to either."""

Factor = float | Expression


def reader(plain: Callable[[str], T]) -> Callable[[str], T | Expression]:
    """Reads what has to be worked out, and by `plain` all else."""
    return lambda text: expression(text) if is_expression(text) else plain(text)


def literal(value: Length) -> Number:
    return Number(float(value), isinstance(value, float))


def times(amount: Amount, factor: Factor) -> Amount:
    """A length by a density: pixels are rounded to whole ones, at least 1."""
    if isinstance(factor, float) and factor == 1:
        return amount
    if isinstance(amount, int) and isinstance(factor, float):
        return nearest_pixel(amount * factor)
    if isinstance(amount, float) and isinstance(factor, float):
        return amount * factor
    tree = amount if isinstance(amount, Expression) else literal(amount)
    product = Arithmetic("*", tree, ratio(factor))
    # The client's density is measured, which would make pixels of a fraction.
    return Cast("float", product) if isinstance(amount, float) else product


def ratio(factor: Factor) -> Expression:
    """A factor with a decimal point: pixels times it are pixels, a fraction is a fraction."""
    return factor if isinstance(factor, Expression) else Number(factor, decimal=True)


def product(first: Factor, second: Factor) -> Factor:
    if isinstance(first, float) and isinstance(second, float):
        return first * second
    if first == 1:
        return second
    return first if second == 1 else Arithmetic("*", ratio(first), ratio(second))


def plus(first: int | Expression, second: int | Expression) -> int | Expression:
    if isinstance(first, int) and isinstance(second, int):
        return first + second
    return Arithmetic("+", *(literal(one) if isinstance(one, int) else one for one in (first, second)))


def argument(*pieces: str | Expression) -> Computed:
    """The argument that has these pieces, as its text reads."""
    return computed.read("".join(piece if isinstance(piece, str) else f"({piece})" for piece in pieces))


def given(value: T | Expression | None) -> T | Computed | None:
    """A value as an argument of a step."""
    return argument(value) if isinstance(value, Expression) else value


def dimensions(width: Amount | None, height: Amount | None) -> Dimensions | Computed:
    if not isinstance(width, Expression) and not isinstance(height, Expression):
        return Dimensions(width, height)
    return argument(_written(width), "x", _written(height))


def _written(side: Amount | None) -> str | Expression:
    if side is None or isinstance(side, Expression):
        return "" if side is None else side
    return str(literal(side))

"""The text of a layer as a step."""

from __future__ import annotations

from transforms.computed import Computed, takes_expressions
from transforms.expressions import Expression, Number, Variable
from transforms.failure import Failure, Kind
from transforms.image import nearest_pixel
from transforms.letters import writing
from transforms.numbers import print_number
from transforms.params import WxH
from transforms.pipeline import Step
from transforms.registry import find

from . import amounts, look, wanted
from .amounts import Factor
from .component import Component
from .expression import expression, is_expression
from .text import Style, Text

Texts = dict[str, str]

_WORDS = ("weight", "align", "antialias", "hinting")
_SPACES = ("letter_spacing", "line_spacing")


def keys_of(text: Text, component: Component, relative: str) -> frozenset[str]:
    """The keys of the component that opens a text which say how it is written, rather than what is done to it."""
    stroke = ("bo",) if isinstance(text.style, Style) and (text.style.stroke or text.style.border) else ()
    box = ("c", "h", "w") if _is_boxed(component, relative) else ()
    return frozenset(("b", "co", *stroke, *box))


def _is_boxed(component: Component, relative: str) -> bool:
    """Whether its size is a box that the text is wrapped in, rather than one that its picture is scaled to."""
    if component.values("c") not in ([], ["fit"]) or component.has("ar") or not component.has("w"):
        return False
    sides = [side for key in ("w", "h") for side in component.values(key)]
    return bool(relative) or all("." not in side for side in sides)


def lettered(text: Text, component: Component, density: Factor, relative: str, *, trim: bool) -> Step:
    """The step that writes a text with a style. Raises Failure of its keys, and unsupported-expression."""
    assert isinstance(text.style, Style)  # noqa: S101 - what stands for one has been looked up
    texts = {
        **_styled(text.style, density),
        **_coloured(component, density),
        **_stroked(text.style, component, density),
        **({"box": _box(component, density, relative)} if _is_boxed(component, relative) else {}),
        **({} if trim else {"no_trim": "true"}),
    }
    key = "u" if component.has("u") else "l"
    return component.attempt(key, component.values(key)[0], lambda _: _step(_words(text), texts))


def _step(words: str, texts: Texts) -> Step:
    operation = find("text")
    types = {argument.name: argument.type for argument in operation.arguments}
    for name, value in texts.items():
        if "(" in value and not takes_expressions(types[name]):
            message = f"{name.replace('_', ' ')} cannot be worked out: {types[name].describe()} must be written here"
            raise Failure(Kind.BAD_REQUEST, "unsupported-expression", message)
    # By its name: words such as `italic` would be taken for the argument.
    written = [f"{operation.arguments[0].name}={words}", *(f"{name}={value}" for name, value in texts.items())]
    return Step.parse(f"text:{','.join(written)}")


def _words(text: Text) -> str:
    return "".join(f"$({word.name})" if isinstance(word, Variable) else writing.escaped(word) for word in text.words)


def _styled(style: Style, density: Factor) -> Texts:
    given = {name: value for name in _WORDS if (value := str(getattr(style, name)))}
    spaced = {name: _length(value, density) for name in _SPACES if (value := str(getattr(style, name)))}
    size = _length(style.size, density)
    size = size if "(" in size else str(nearest_pixel(float(size)))
    decoration = {style.decoration: "true"} if style.decoration else {}
    italic = {"italic": "true"} if style.italic else {}
    font = f"({style.font})" if style.font.startswith("$") else writing.FontName().print(style.font)
    return {"font": font, "size": size, **spaced, **given, **italic, **decoration}


def _length(text: str, density: Factor) -> str:
    """A length of a style in denser pixels."""
    if not is_expression(text) and isinstance(density, float):
        return print_number(float(text) * density)
    tree = expression(text) if is_expression(text) else Number(float(text))
    return f"({tree})" if density == 1 else f"({amounts.times(tree, density)})"


def _coloured(component: Component, density: Factor) -> Texts:
    return {name: _colour(component, key) for name, key in (("color", "co"), ("background", "b")) if component.has(key)}


def _stroked(style: Style, component: Component, density: Factor) -> Texts:
    """The stroke as `bo_` has it, else as the style has it."""
    if not style.stroke and not style.border:
        return {}
    border = component.read("bo", lambda text: look.border(text, density))
    if border is None and style.border:
        key = "u" if component.has("u") else "l"
        border = component.attempt(key, component.values(key)[0], lambda _: look.border(style.border, density))
    if border is None:
        return {}
    width, ink = border
    wide = f"({width})" if isinstance(width, Expression) else str(width)
    return {"stroke": wide, "stroke_color": look.printed(ink)}


def _colour(component: Component, key: str) -> str:
    return look.printed(component.attempt(key, component.values(key)[0], look.ink_of))


def _box(component: Component, density: Factor, relative: str) -> str:
    want = wanted.read(component.only("h", "w"), "fit", density, None, relative)
    size = amounts.dimensions(want.width, want.height)
    return str(size) if isinstance(size, Computed) else WxH().print(size)

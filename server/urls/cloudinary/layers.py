"""`l_` and `u_`: what is laid over or under a picture, and which components act on it rather than on the picture.

A layer is opened, acted on and applied by `fl_layer_apply`, in as many components as it takes; layers nest. Or all is
said in one component: that is meant where nothing applies it later.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from transforms.failure import Failure, Kind, bad_argument
from transforms.layers import MAX_LAYER_DEPTH, MAX_LAYERS
from transforms.picture import Delivery

from ...sources.url import canonical_url
from ..paths import location
from ..request import bad_source
from . import text
from .component import Component, unsupported
from .expression import escaped
from .text import Text

LONGEST_ID = 255

APPLY = "layer_apply"
FLAGS = frozenset(
    (
        APPLY, "clip", "cutter", "ignore_mask_channels", "no_overflow", "region_relative", "relative",
        "replace_image", "text_disallow_overflow", "text_no_trim", "tiled",
    )
)  # fmt: skip
"""The flags that say how a layer is laid."""

_DELIVERIES: tuple[Delivery, ...] = get_args(Delivery)
_OTHERS = ("audio", "subtitles", "video")
_VARIABLE = re.compile(r"\$[A-Za-z][A-Za-z0-9]*", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:", re.ASCII)
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,5}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Source:
    """What a layer shows. `location` is a public id with slashes, a canonical URL, or a variable with its `$`; the text
    is in `text`."""

    kind: Literal["image", "fetch", "lut", "text", "variable"]
    location: str = ""
    delivery: Delivery = "upload"
    text: Text | None = None

    def __str__(self) -> str:
        """Canonical, as it stands in a component after `l_` or `u_`."""
        if self.kind == "text":
            return f"text:{self.text}"
        if self.kind == "fetch":
            return f"fetch:{base64.urlsafe_b64encode(self.location.encode()).decode().rstrip('=')}"
        prefix = "lut:" if self.kind == "lut" else "" if self.delivery == "upload" else f"{self.delivery}:"
        written = ":".join(escaped(part) for part in self.location.split("/"))
        # A folder of that name has to be told from the prefix.
        return f"upload:{written}" if not prefix and _is_prefixed(written) else prefix + written


def _is_prefixed(value: str) -> bool:
    prefix, colon, _ = value.partition(":")
    return bool(colon) and prefix in (*_DELIVERIES, *_OTHERS, "fetch", "lut", "text")


def opening(component: Component) -> str | None:
    """The key by which a component opens a layer: "l" above, "u" below the picture."""
    keys = [key for key in ("l", "u") if component.has(key)]
    if len(keys) > 1:
        raise component.refusal("u", component.values("u")[0], "a component opens one layer, over or under the picture")
    return keys[0] if keys else None


def applies(component: Component) -> bool:
    return APPLY in component.flags


def source(component: Component, key: str) -> Source:
    """The source that `l_` or `u_` names.

    Raises Failure bad-argument, bad-source (an address that is none, or none of the web: 403), source-not-found for an
    id that could lead out of its folder, unsupported-layer for what is no picture.
    """
    value = component.values(key)[0]
    # Text is decoded the second time only where its variables are known.
    raw = component.raw(key).partition("_")[2]
    try:
        return _source(value, raw)
    except Failure as failure:
        if failure.kind is not Kind.BAD_REQUEST:
            raise failure.with_details(component=component.text, key=key) from None
        raise component.refusal(
            key, value, failure.message, failure.code, hint=failure.hint, **failure.details
        ) from None  # fmt: skip


def _source(value: str, raw: str) -> Source:
    kind, colon, rest = value.partition(":")
    if not colon:
        return Source("variable", value) if _VARIABLE.fullmatch(value) else Source("image", _id(value))
    if kind == "text":
        return Source("text", text=text.read(raw.partition(":")[2]))
    if kind == "fetch":
        return Source("fetch", _address(rest))
    if kind == "lut":
        return Source("lut", _id(rest))
    if kind in _OTHERS:
        raise unsupported("layer", f"layers of {kind} are not supported, only pictures and text", layer=kind)
    for delivery in _DELIVERIES:
        if kind == delivery:
            return Source("image", _id(rest), delivery)
    return Source("image", _id(value))


def _id(value: str) -> str:
    """A public id, in which colons stand for slashes."""
    parts = value.replace("/", ":").split(":")
    if not any(parts):
        raise bad_argument("the public id is missing", hint="for example l_folder:logo")
    public_id = location(parts)
    if len(public_id) > LONGEST_ID:
        raise bad_argument(f"a public id has at most {LONGEST_ID} characters", maximum=LONGEST_ID)
    return public_id


def _address(value: str) -> str:
    """The URL of a fetched layer: base64 in either alphabet, padded or not, perhaps with an extension behind."""
    digits = _ENDING.sub("", value).rstrip("=")
    if not digits:
        raise bad_argument("the address is missing", hint="it is written in URL-safe base64")
    try:
        padded = digits.replace("+", "-").replace("/", "_") + "=" * (-len(digits) % 4)
        # Strict: what is no digit would be passed over, and many texts would come to mean one address.
        address = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise bad_argument("this is no address in URL-safe base64") from None
    scheme = _SCHEME.match(address)
    if scheme and scheme[0].lower() not in ("http:", "https:"):
        raise bad_source(f"{scheme[0]} is no scheme that pictures are fetched by", Kind.FORBIDDEN)
    return canonical_url(address) if scheme else address


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer from its opening to its application, which are one component where all is said in one.

    `opened` and `applied` are indexes of components; `depth` is 1 for a layer of the picture itself, one more for a
    layer of a layer.
    """

    source: Source
    under: bool
    opened: int
    applied: int
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Structure:
    """The layers of a chain in the order opened, and for each component the index of the layer that it belongs to:
    the innermost one, or None where it acts on the picture."""

    layers: tuple[Layer, ...]
    owners: tuple[int | None, ...]

    @property
    def sources(self) -> tuple[Source, ...]:
        """What is to be looked up, each once."""
        return tuple(dict.fromkeys(layer.source for layer in self.layers))


def structure(components: Sequence[Component]) -> Structure:
    """Which components belong to which layer.

    An application closes the layer that was opened last, within the same block of a condition. Raises the failures of
    `source`, Failure stray-layer-apply, too-many-layers or layers-too-deep.
    """
    layers = _matched(components)
    if len(layers) > MAX_LAYERS:
        raise _too_much("too-many-layers", f"{len(layers)} layers are more than the {MAX_LAYERS} allowed", MAX_LAYERS)
    owners: list[int | None] = [None] * len(components)
    for index, layer in enumerate(layers):
        around = owners[layer.opened]
        layers[index] = replace(layer, depth=1 if around is None else layers[around].depth + 1)
        for at in range(layer.opened, layer.applied + 1):
            owners[at] = index
    if any(layer.depth > MAX_LAYER_DEPTH for layer in layers):
        raise _too_much("layers-too-deep", f"layers may be nested {MAX_LAYER_DEPTH} deep", MAX_LAYER_DEPTH)
    return Structure(tuple(layers), tuple(owners))


def _too_much(code: str, message: str, maximum: int) -> Failure:
    return Failure(Kind.BAD_REQUEST, code, message, details={"maximum": maximum})


def _matched(components: Sequence[Component]) -> list[Layer]:
    """Every layer with what applies it: itself where nothing does."""
    layers: list[Layer] = []
    blocks: list[list[int]] = [[]]  # in each open block of a condition the layers that are open
    for at, component in enumerate(components):
        blocks = _in_block(blocks, component)
        key = opening(component)
        if key:
            blocks[-1].append(len(layers))
            layers.append(Layer(source(component, key), key == "u", at, at))
        if applies(component):
            if not blocks[-1]:
                raise component.refusal(
                    "fl", APPLY, "there is no open layer to apply", "stray-layer-apply",
                    hint="a layer is opened by l_ or u_, in the same block of a condition",
                )  # fmt: skip
            closed = blocks[-1].pop()
            layers[closed] = replace(layers[closed], applied=at)
    return layers


def _in_block(blocks: list[list[int]], component: Component) -> list[list[int]]:
    """The open blocks after a component that is nothing but an `if_`: layers left open in one end with it."""
    if [key for key, _ in component.parameters] != ["if"]:
        return blocks
    condition = component.values("if")[0]
    outer = blocks[:-1] if condition in ("else", "end") and len(blocks) > 1 else blocks
    return outer if condition == "end" else [*outer, []]

"""The pictures of layers, made in the render process of the picture that they are laid over."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import numpy as np

from detectors.client import Client as Detection
from detectors.found import pack, unpack
from transforms.expressions import BELOW
from transforms.failure import Failure, Kind
from transforms.image import Found, Frame, Image, Probe, Size
from transforms.input import Input
from transforms.limits import Limits
from transforms.output import Client
from transforms.picture import Picture
from transforms.pipeline import Pipeline
from transforms.plan import input_of, plan
from transforms.probe import open_source
from transforms.resolve import Below, resolve
from transforms.run import run
from transforms.steps import Step

from .clock import Clock
from .finder import SourceFinder

# A layer without a picture begins as one transparent pixel.
BLANK = Image((Frame(np.zeros((1, 1, 4), np.uint8)),))
BLANK_PROBE = Probe("png", Size(1, 1), 1, animated=False, has_alpha=True, icc=None, orientation=1, bytes=0)

_LIMITS = frozenset(("too-many-pixels", "too-many-bytes", "result-too-large"))


@dataclass(frozen=True)
class Lent:
    """A picture that layers name, as it travels to a render process.

    `failure` is told where the layer is reached; `content` is the hash of its bytes, under which detections are
    remembered, and `known` the packed Found of it as far as it is known already.
    """

    picture: Picture
    path: str | None
    failure: Failure | None = None
    content: str | None = None
    known: bytes | None = None


class LayerMaker:
    """Makes layers (transforms.layers.Layers). To be entered; closes what it opened."""

    def __init__(
        self, lent: Iterable[Lent], *, limits: Limits, client: Client, detection: Detection | None, deadline: float,
        clock: Clock,
    ) -> None:  # fmt: skip
        self.found_of: dict[str, bytes] = {}
        self.without: dict[str, None] = {}
        self._lent = {one.picture: one for one in lent}
        self._limits = limits
        self._client = client
        self._detection = detection
        self._deadline = deadline
        self._clock = clock
        self._opened = ExitStack()
        self._finder: tuple[tuple[Picture, Input], SourceFinder] | None = None
        self._made: tuple[tuple[object, ...], Image] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._opened.close()

    def __call__(self, step: Step, below: Size, region: Size) -> Image:
        """The picture of a layer. Its failures name the picture; limits that it passes are 400 layer-too-large."""
        picture = step.arguments["picture"]
        pipeline = step.inner or Pipeline()
        told = Below(below, region) if any(operand.name in BELOW for operand in pipeline.operands) else None
        key = (picture, pipeline, told)
        if self._made is None or self._made[0] != key:
            try:
                self._made = key, self._make(picture, pipeline, Below(below, region))
            except Failure as failure:
                raise of_layer(failure, picture) from None
        return self._made[1]

    def _make(self, picture: Picture | None, pipeline: Pipeline, below: Below) -> Image:
        if picture is None:
            return self._begun(pipeline, below)
        finder = self._finder_of(picture, input_of(pipeline))
        planned = finder.planned(pipeline, self._client, below)
        planned = replace(planned, decode=replace(planned.decode, still=True))
        image = finder.picture(planned.decode)
        outcome = run(planned, image, finder.probe, finder, self._deadline, layers=self)
        self.without.update(dict.fromkeys((*finder.without, *outcome.degraded)))
        lent = self._lent[picture]
        if lent.content and finder.asked:
            self.found_of[lent.content] = pack(finder.found)
        assert isinstance(outcome.result, Image)  # noqa: S101 - no report stands in a layer
        return outcome.result

    def _begun(self, pipeline: Pipeline, below: Below) -> Image:
        """What the steps make of nothing."""
        plain, _ = resolve(pipeline, BLANK_PROBE, self._client, lambda _: Found(), below, exact=False)
        planned = plan(plain, BLANK_PROBE, self._limits, side_for=lambda _: 1)
        outcome = run(planned, BLANK, BLANK_PROBE, _NothingThere(), self._deadline, layers=self, exact=False)
        assert isinstance(outcome.result, Image)  # noqa: S101 - no report stands in a layer
        return outcome.result

    def _finder_of(self, picture: Picture, how: Input) -> SourceFinder:
        """That of the same picture again where there was none in between: one copy of it lies in memory."""
        if self._finder is None or self._finder[0] != (picture, how):
            self._finder = (picture, how), self._open(picture, how)
        return self._finder[1]

    def _open(self, picture: Picture, how: Input) -> SourceFinder:
        lent = self._lent.get(picture)
        if lent is not None and lent.failure is not None:
            raise lent.failure
        if lent is None or lent.path is None:
            raise not_lent(picture)
        try:
            source = self._opened.enter_context(open_source(lent.path, self._limits, how))
        except (FileNotFoundError, PermissionError):
            raise not_found(picture) from None
        known = unpack(lent.known) if lent.known else Found()
        return SourceFinder(source, self._detection, known, lent.content, self._deadline, self._clock)


class _NothingThere:
    """Finds nothing where nothing is."""

    def __call__(self, kinds: frozenset[str], image: Image, frame: int) -> Found:
        return Found()

    def anew(self, kinds: frozenset[str], image: Image, frame: int) -> Found:
        return Found()


def not_found(picture: Picture) -> Failure:
    return Failure(
        Kind.NOT_FOUND, "layer-not-found", f"there is no such layer: {picture}", details={"layer": str(picture)}
    )  # fmt: skip


def not_lent(picture: Picture) -> Failure:
    """What a variable came to that nobody could foresee."""
    return Failure(
        Kind.BAD_REQUEST, "layer-depends", f"the layer {picture} depends on what is worked out from the picture",
        hint="give the variable a plain text", details={"layer": str(picture)},
    )  # fmt: skip


def of_layer(failure: Failure, picture: Picture | None) -> Failure:
    """A failure that names the layer; what is beyond the limits is a mistake of whoever asked for it."""
    if picture is None:
        return failure
    if failure.code in _LIMITS:
        return Failure(
            Kind.BAD_REQUEST, "layer-too-large", f"the layer {picture} is too large: {failure.message}",
            hint=failure.hint, details={"layer": str(picture), **failure.details},
        )  # fmt: skip
    return failure.with_details(layer=str(picture))

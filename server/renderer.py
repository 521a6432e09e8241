"""What happens inside a render process: probe, plan, decode, find, run, encode. Never imports torch or ultralytics."""

from __future__ import annotations

import json
import os
import resource
import time
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from detectors.client import Client as Detection
from detectors.client import Unanswered
from detectors.found import pack, unpack
from detectors.local import find_local
from detectors.registry import side_for
from transforms.decode import Decode, decode
from transforms.encode import encode, flatten
from transforms.failure import Failure, Kind
from transforms.image import Found, Image, Missing, PixelArray, Probe, Size
from transforms.limits import Limits
from transforms.output import Client, Output, Report
from transforms.pipeline import Pipeline
from transforms.plan import MODEL_KINDS, Plan, plan
from transforms.probe import Source, open_source
from transforms.projection import projected
from transforms.registry import operations
from transforms.resample import resize
from transforms.run import run

DETECTION_SECONDS = 4.0  # how long a render waits for detectors; well before its kill timer

STAGES = ("probe", "plan", "decode", "find", "run", "encode")

NO_ANSWER = "the detection service did not answer in time; try again"


@dataclass(frozen=True)
class Job:
    """One render, as it travels to a render process. `seconds` is what is left until the request's deadline."""

    path: str
    pipeline: str
    client: Client
    limits: Limits
    seconds: float
    content: str | None = None  # hash of the source, under which detections are remembered
    known: bytes | None = None  # packed Found of the source, as far as it is known already


@dataclass(frozen=True)
class Rendered:
    """What comes back: the result, what was found on the source on the way, and where the time went."""

    body: bytes
    media_type: str
    size: Size
    found: bytes | None
    degraded: tuple[str, ...]
    timings: tuple[tuple[str, float], ...]  # stage, milliseconds


@dataclass
class _Settings:
    """Per process, set once by `start`."""

    detection: Detection | None = None


_process = _Settings()


def start(detection: str | None, secret: str | None, memory_bytes: int) -> None:
    """Prepare a fresh render process: one OpenCV thread, a memory limit, a connection to the detectors."""
    cv2.setNumThreads(1)
    operations()
    limit = _virtual_bytes() + memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _process.detection = Detection(detection, secret) if detection else None


def _virtual_bytes() -> int:
    # RLIMIT_AS counts virtual memory, of which libraries map far more than they touch: the budget starts above it.
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def ready() -> None:
    """Does nothing: the process that runs it has started."""


def render(job: Job) -> Rendered:
    """Render one job; raises Failure for whatever the user or the source did wrong."""
    try:
        return _render(job)
    except MemoryError:
        raise Failure(
            Kind.UNPROCESSABLE, "source-too-costly", "the picture needs more memory than a render may use"
        ) from None  # fmt: skip


def _render(job: Job) -> Rendered:
    clock = Clock()
    with open_source(job.path, job.limits) as source:
        clock.lap("probe")
        finder = SourceFinder(job, source, clock)
        planned = finder.planned()
        outcome = run(planned, finder.picture(planned), source.probe, finder, finder.deadline)
        clock.lap("run")
        body, media_type, size = _encoded(outcome.result, planned.output, source.probe, job.client)
        clock.lap("encode")
    known = pack(finder.found) if finder.asked else None
    degraded = tuple(dict.fromkeys((*finder.degraded, *outcome.degraded)))
    return Rendered(body, media_type, size, known, degraded, clock.laps)


def _encoded(result: Image | Report, output: Output, probe: Probe, client: Client) -> tuple[bytes, str, Size]:
    if isinstance(result, Report):
        body = json.dumps(result.content, ensure_ascii=False, separators=(",", ":")).encode()
        return body, "application/json", probe.size
    encoded = encode(result, output, probe, client)
    return encoded.body, encoded.media_type, encoded.size


@lru_cache(512)
def _parsed(pipeline: str) -> Pipeline:
    return Pipeline.parse(pipeline)


class Clock:
    """Milliseconds by stage; a stage that comes twice is added up."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self._spent: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """What has passed since the last lap belongs to `stage`."""
        now = time.perf_counter()
        self._spent[stage] = self._spent.get(stage, 0.0) + (now - self._last) * 1000
        self._last = now

    @property
    def laps(self) -> tuple[tuple[str, float], ...]:
        return tuple((stage, self._spent[stage]) for stage in STAGES if stage in self._spent)


class SourceFinder:
    """Answers what a run asks of the detectors, and decodes as small as that allows.

    Detectors with a model look at the source, once per kind and frame whatever the steps make of it; the others look at
    the step's own pixels.
    """

    def __init__(self, job: Job, source: Source, clock: Clock) -> None:
        self.deadline = time.monotonic() + job.seconds
        self.asked = False
        self.degraded: tuple[str, ...] = ()
        self._job = job
        self._source = source
        self._clock = clock
        self._known = {0: unpack(job.known) if job.known else Found()}
        self._decoded: tuple[Decode, Image] | None = None

    @property
    def found(self) -> Found:
        """What is known of the source's first frame."""
        return self._known[0]

    def planned(self) -> Plan:
        """The plan; where its scale depends on what is found, that is asked first, on a small copy."""
        pipeline, job = _parsed(self._job.pipeline), self._job
        first = plan(pipeline, self._source.probe, job.limits, _answered(self.found, pipeline.needs), side_for=side_for)
        self._clock.lap("plan")
        if not first.provisional:
            return first
        self.picture(first)
        self._of_source(first.needs & MODEL_KINDS, 0)
        return plan(pipeline, self._source.probe, job.limits, self.found, side_for=side_for)

    def picture(self, planned: Plan) -> Image:
        """The decoded source, again only where the plan wants it larger than it is at hand."""
        if self._decoded is None or not _enough(self._decoded[0], planned.decode):
            decoded = decode(self._source, planned.decode)
            self._decoded = planned.decode, decoded.image
            self.degraded = decoded.degraded
            self._clock.lap("decode")
        return self._decoded[1]

    def __call__(self, kinds: frozenset[str], image: Image, frame: int) -> Found:
        found = self._of_source(kinds & MODEL_KINDS, frame) if kinds & MODEL_KINDS else Found()
        found = projected(found, image.from_source)
        if kinds - MODEL_KINDS:
            found = found.merged(find_local(kinds - MODEL_KINDS, image.frames[frame].pixels))
        return found

    def _of_source(self, kinds: frozenset[str], frame: int) -> Found:
        known = self._known.get(frame, Found())
        unasked = kinds - dict(known.models).keys() - {missing.detector for missing in known.missing}
        if unasked:
            self._clock.lap("run")
            self._known[frame] = known = known.merged(self._ask(unasked, frame))
            self._clock.lap("find")
        return _only(known, kinds)

    def _ask(self, kinds: frozenset[str], frame: int) -> Found:
        assert self._decoded is not None  # noqa: S101 - a run begins with its picture
        pixels = _small(self._decoded[1].frames[frame].pixels, side_for(kinds))
        key = f"{self._job.content}:{frame}" if self._job.content else None
        until = min(self.deadline, time.monotonic() + DETECTION_SECONDS)
        try:
            if _process.detection is None:
                raise Unanswered(kinds, "no detection service is configured")
            self.asked = True
            return _process.detection.find(kinds, pixels, deadline=until, key=key)
        except Unanswered:
            return Found(missing=tuple(Missing(kind, "", NO_ANSWER) for kind in sorted(kinds)))


def _answered(found: Found, kinds: frozenset[str]) -> Found | None:
    """`found` where it answers all that models are asked for, else None."""
    return found if kinds & MODEL_KINDS <= dict(found.models).keys() else None


def _only(found: Found, kinds: frozenset[str]) -> Found:
    return replace(
        found,
        regions=tuple(region for region in found.regions if region.by in kinds),
        models=tuple(model for model in found.models if model[0] in kinds),
        missing=tuple(missing for missing in found.missing if missing.detector in kinds),
    )


def _enough(have: Decode, want: Decode) -> bool:
    return have.reduce <= want.reduce and have.still == want.still


def _small(pixels: PixelArray, side: int) -> PixelArray:
    """A BGR copy with at most `side` pixels a side; transparent parts white."""
    size = Size(pixels.shape[1], pixels.shape[0])
    if size.long_side > side:
        pixels = resize(pixels, size.scaled(side / size.long_side))
    pixels = flatten(pixels, (255, 255, 255))
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels

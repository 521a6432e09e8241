"""What happens inside a render process: probe, plan, decode, find, run, encode. Never imports torch or ultralytics."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import signal
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2

from detectors.client import Client as Detection
from detectors.found import pack, unpack
from detectors.registry import adopt
from transforms.carried import carried
from transforms.encode import encode
from transforms.failure import Failure, Kind
from transforms.image import Found, Image, Probe, Size
from transforms.letters.fonts import install
from transforms.limits import Limits
from transforms.output import Client, Encoded, Encoding, Output, Report
from transforms.pipeline import Pipeline
from transforms.placeholders import Sketch, headers
from transforms.plan import Plan, input_of
from transforms.probe import Source, open_source
from transforms.registry import operations
from transforms.rewrap import no_larger
from transforms.run import check_time, run
from transforms.subjects import MATTE
from transforms.tagging import spelled
from transforms.vocabulary import NOTHING, Vocabulary

from .clock import Clock
from .explaining import Mark, explained, story_of
from .finder import SourceFinder
from .layering import LayerMaker, Lent
from .noticing import Notice, notice

TRIMMED_EVERY = 20  # renders; to do it takes some ms
OUT_OF_MEMORY = -4  # cv::Error::StsNoMem
FACES = frozenset({"faces", "largest-face", "all-faces"})


@dataclass(frozen=True)
class Job:
    """One render, as it travels to a render process. `deadline` is of time.monotonic(), which all processes share."""

    path: str
    pipeline: str
    client: Client
    limits: Limits
    deadline: float
    content: str | None = None  # hash of the source, under which detections are remembered
    known: bytes | None = None  # packed Found of the source, as far as it is known already
    layers: tuple[Lent, ...] = ()  # all that layers may show
    mark: str = ""  # the watermark, which a drawing of the source wants as well
    words: Vocabulary = NOTHING  # what the operator's models add to the grammar
    noticing: bool = False  # whether the search index wants to know of the source


@dataclass(frozen=True)
class Rendered:
    """What comes back: the result, what was found on the source on the way, and where the time went."""

    body: bytes
    media_type: str
    size: Size
    found: bytes | None
    degraded: tuple[str, ...]
    timings: tuple[tuple[str, float], ...]  # stage, milliseconds
    download: str | None = None  # the name that it is saved under; empty: that of the source
    immutable: bool = False
    headers: tuple[tuple[str, str], ...] = ()  # what steps ask to be said beside the body
    labels: tuple[str, ...] = ()  # what was found in the picture, by name
    found_of: tuple[tuple[str, bytes], ...] = ()  # of layers: the hash of the file, and what was found in it
    notice: Notice | None = None  # for the search index


@dataclass
class _Settings:
    """Per process, set once by `start`."""

    detection: Detection | None = None
    renders: int = 0


_process = _Settings()


def start(detection: str | None, secret: str | None, memory_bytes: int, fonts: tuple[str, ...] = ()) -> None:
    """Prepare a fresh render process: one OpenCV thread, a memory limit, a connection to the detectors, and where the
    operator's fonts are."""
    # pebble installs a Python handler, which would wait for the end of a long call into a codec.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    cv2.setNumThreads(1)
    operations()
    install(map(Path, fonts))
    limit = _virtual_bytes() + memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _process.detection = Detection(detection, secret) if detection else None


def _virtual_bytes() -> int:
    # RLIMIT_AS counts virtual memory, of which libraries map far more than they touch: the budget starts above it.
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _trim() -> None:
    """Give back what glibc's malloc keeps of renders past, where there is one: 7 % of the process in 10,000 renders."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def ready() -> None:
    """Does nothing: the process that runs it has started."""


def render(job: Job) -> Rendered:
    """Render one job; raises Failure for whatever the user or the source did wrong."""
    _process.renders += 1
    if _process.renders % TRIMMED_EVERY == 0:
        _trim()
    try:
        return _render(job)
    except MemoryError:
        pass
    except cv2.error as error:
        if error.code != OUT_OF_MEMORY:
            raise
    gc.collect()  # outside the handlers: the pictures of the failed render hang on the exception
    _trim()  # else what it had counts against the next one
    raise Failure(Kind.UNPROCESSABLE, "source-too-costly", "the picture needs more memory than a render may use")


def _render(job: Job) -> Rendered:
    deadline = job.deadline
    check_time(deadline)
    clock = Clock()
    adopt(job.words)
    pipeline = _parsed(job.pipeline, job.words)
    with _opened(job, pipeline) as source, _layers(job, clock) as layers:
        clock.lap("probe")
        finder = _finder(job, source, clock)
        planned = finder.planned(pipeline, job.client)
        output, encoding = planned.output, Encoding(_Encoder(source, planned, job.client, deadline))
        outcome = run(planned, finder.picture(planned.decode), source.probe, finder, deadline, encoding, layers)
        clock.lap("run")
        body, media_type, size, hurried = _encoded(outcome.result, encoding, source.probe)
        beside = (*_said(output, outcome.result, finder), *_density(job.client, pipeline, finder, outcome.result))
        clock.lap("encode")
        if output.instead and output.instead.explains:
            check_time(deadline)
            sent = {"media_type": media_type, "bytes": len(body), "width": size.width, "height": size.height}
            story = story_of(pipeline, source, finder, planned, outcome, sent, clock.laps)
            mark = Mark(_parsed(job.mark, job.words), source, finder, job.client, deadline, layers)
            body, media_type, size = explained(story, finder, mark, as_json=output.instead.json)
            clock.lap("explain")
        noticed = notice(finder) if job.noticing else None
    found = pack(finder.found) if finder.asked else None
    degraded = tuple(dict.fromkeys((*finder.without, *outcome.degraded, *layers.without, *hurried)))
    return Rendered(
        body, media_type, size, found, degraded, clock.laps, output.download, output.immutable, beside,
        _labels(finder.everywhere), tuple(layers.found_of.items()), noticed,
    )  # fmt: skip


def _layers(job: Job, clock: Clock) -> LayerMaker:
    return LayerMaker(
        job.layers, limits=job.limits, client=job.client, detection=_process.detection, deadline=job.deadline,
        clock=clock,
    )  # fmt: skip


def _finder(job: Job, source: Source, clock: Clock) -> SourceFinder:
    known = unpack(job.known) if job.known else Found()
    return SourceFinder(source, _process.detection, known, job.content, job.deadline, clock)


def _labels(found: Found) -> tuple[str, ...]:
    """What detectors are sure enough of, each name once: those of objects, and `face`; a matte names nothing."""
    regions = (region for region in found.regions if region.sure and region.by != MATTE)
    named = {"face" if region.by in FACES else spelled(region.label).lower() for region in regions}
    return tuple(sorted(named | {spelled(tag.name).lower() for tag in found.tags}))


def _opened(job: Job, pipeline: Pipeline) -> Source:
    try:
        return open_source(job.path, job.limits, input_of(pipeline))
    except (FileNotFoundError, PermissionError):
        raise Failure(Kind.NOT_FOUND, "source-not-found", "there is no such source") from None


@dataclass(frozen=True)
class _Encoder:
    """Encodes pictures of one source as its steps say; in no more bytes than the source where they changed nothing."""

    source: Source
    plan: Plan
    client: Client
    deadline: float

    def __call__(self, image: Image) -> Encoded:
        source, output, client = self.source, self.plan.output, self.client
        if output.instead and output.instead.explains:
            output = replace(output, instead=None)  # told of is what would be sent without it
        encoded = encode(image, output, source.probe, client, carried(source, output), self.deadline)
        if any(planned.step.operation.hides(**planned.step.arguments) for planned in self.plan.steps):
            return encoded  # what hides something never sends the source's own data, although it found nothing to hide
        return no_larger(encoded, image, source, output, client, self.deadline)


def _encoded(result: Image | Report, encoding: Encoding, probe: Probe) -> tuple[bytes, str, Size, tuple[str, ...]]:
    """Body, media type, size, and what there was no time for."""
    if isinstance(result, Report):
        body = json.dumps(result.content, ensure_ascii=False, separators=(",", ":")).encode()
        return body, "application/json", probe.size, ()
    encoded = encoding.write(result)
    return encoded.body, encoded.media_type, encoded.size, encoded.degraded


def _density(
    client: Client, pipeline: Pipeline, finder: SourceFinder, result: Image | Report
) -> tuple[tuple[str, str], ...]:
    """Content-DPR, where the client's density made the picture larger: by how much, which its own size may bound."""
    if client.dpr == 1.0 or isinstance(result, Report):
        return ()
    try:
        plain = finder.planned(pipeline, replace(client, dpr=1.0)).result
    except Failure:
        return ()
    density = round(result.size.width / plain.width, 2)
    return () if density == 1.0 else (("Content-DPR", f"{density:g}"),)


def _said(output: Output, result: Image | Report, finder: SourceFinder) -> tuple[tuple[str, str], ...]:
    """What headers say of the picture that is sent."""
    said = output.said
    if not said.names or isinstance(result, Report):
        return ()
    colours = {"color", "palette"} & set(said.names)
    found = finder(frozenset({"colors"}), result, 0) if colours else Found()
    beside: tuple[tuple[str, str], ...] = headers(said, Sketch(result, output.background), found.colors)
    return beside


@lru_cache(512)
def _parsed(pipeline: str, words: Vocabulary) -> Pipeline:
    """The pipeline as these words read it."""
    return Pipeline.parse(pipeline)

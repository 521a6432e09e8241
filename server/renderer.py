"""What happens inside a render process: probe, plan, decode, find, run, encode. Never imports torch or ultralytics."""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
from dataclasses import dataclass
from functools import lru_cache

import cv2

from detectors.client import Client as Detection
from detectors.found import pack, unpack
from transforms.carried import carried
from transforms.encode import encode
from transforms.failure import Failure, Kind
from transforms.image import Found, Image, Probe, Size
from transforms.limits import Limits
from transforms.output import Client, Encoded, Encoding, Output, Report
from transforms.pipeline import Pipeline
from transforms.plan import input_of
from transforms.probe import Source, open_source
from transforms.registry import operations
from transforms.run import check_time, run

from .clock import Clock
from .finder import SourceFinder

OUT_OF_MEMORY = -4  # cv::Error::StsNoMem


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


@dataclass
class _Settings:
    """Per process, set once by `start`."""

    detection: Detection | None = None


_process = _Settings()


def start(detection: str | None, secret: str | None, memory_bytes: int) -> None:
    """Prepare a fresh render process: one OpenCV thread, a memory limit, a connection to the detectors."""
    # pebble installs a Python handler, which would wait for the end of a long call into a codec.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
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
        pass
    except cv2.error as error:
        if error.code != OUT_OF_MEMORY:
            raise
    gc.collect()  # outside the handlers: the pictures of the failed render hang on the exception
    raise Failure(Kind.UNPROCESSABLE, "source-too-costly", "the picture needs more memory than a render may use")


def _render(job: Job) -> Rendered:
    deadline = job.deadline
    check_time(deadline)
    clock = Clock()
    pipeline = _parsed(job.pipeline)
    with _opened(job, pipeline) as source:
        clock.lap("probe")
        known = unpack(job.known) if job.known else Found()
        finder = SourceFinder(source, _process.detection, known, job.content, deadline, clock)
        planned = finder.planned(pipeline, job.client)
        output, encoding = planned.output, Encoding(_Encoder(source, planned.output, job.client))
        outcome = run(planned, finder.picture(planned.decode), source.probe, finder, deadline, encoding)
        clock.lap("run")
        body, media_type, size = _encoded(outcome.result, encoding, source.probe)
        clock.lap("encode")
    found = pack(finder.found) if finder.asked else None
    degraded = tuple(dict.fromkeys((*finder.without, *outcome.degraded)))
    return Rendered(body, media_type, size, found, degraded, clock.laps, output.download, output.immutable)


def _opened(job: Job, pipeline: Pipeline) -> Source:
    try:
        return open_source(job.path, job.limits, input_of(pipeline))
    except (FileNotFoundError, PermissionError):
        raise Failure(Kind.NOT_FOUND, "source-not-found", "there is no such source") from None


@dataclass(frozen=True)
class _Encoder:
    """Encodes pictures of one source as its steps say."""

    source: Source
    output: Output
    client: Client

    def __call__(self, image: Image) -> Encoded:
        return encode(image, self.output, self.source.probe, self.client, carried(self.source, self.output))


def _encoded(result: Image | Report, encoding: Encoding, probe: Probe) -> tuple[bytes, str, Size]:
    if isinstance(result, Report):
        body = json.dumps(result.content, ensure_ascii=False, separators=(",", ":")).encode()
        return body, "application/json", probe.size
    encoded = encoding.write(result)
    return encoded.body, encoded.media_type, encoded.size


@lru_cache(512)
def _parsed(pipeline: str) -> Pipeline:
    return Pipeline.parse(pipeline)

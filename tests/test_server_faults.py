"""Parts that die under traffic: Redis, the detection process, render processes."""

from __future__ import annotations

import io
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import psutil
import pytest
from PIL import Image

from .servers import Server

if TYPE_CHECKING:
    from .redis_server import RedisServer

pytest_plugins = ["tests.redis_server"]


@contextmanager
def traffic(ask: Callable[[int], object], threads: int = 4) -> Iterator[list[object]]:
    """Calls `ask(n)` with growing n from several threads for as long as the block runs; gives the answers."""
    answers: list[object] = []
    ending = threading.Event()

    def work(number: int) -> None:
        n = number
        while not ending.is_set():
            answers.append(ask(n))
            n += threads

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield answers
    finally:
        ending.set()
        for worker in workers:
            worker.join()


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.02)


def test_two_servers_share_results(
    make_redis: Callable[..., RedisServer], media: Path, detection: str, models_folder: Path
) -> None:
    redis = make_redis()
    redis.start()
    settings = {"media": media, "detection": detection, "models": models_folder, "cache": redis.patient_url}
    with Server(**settings) as one, Server(**settings) as two:
        first = one.wait().get("/resize:90x/photo.jpg")
        second = two.wait().get("/resize:90x/photo.jpg")
        assert first.headers["cache-status"] == "Darkroom;fwd=miss;stored"
        assert second.headers["cache-status"] == "Darkroom;hit"
        assert (first.content, first.headers["etag"]) == (second.content, second.headers["etag"])


def test_what_was_found_is_shared_apart_from_renders(
    make_redis: Callable[..., RedisServer], media: Path, detection: str, models_folder: Path
) -> None:
    redis = make_redis()
    redis.start()
    settings = {"media": media, "detection": detection, "models": models_folder, "cache": redis.patient_url}
    with Server(**settings) as one, Server(**settings) as two:
        assert one.wait().get("/face-crop:100x100/zidane.jpg").status_code == 200
        other = two.wait().get("/face-crop:101x101/zidane.jpg")
        assert other.headers["cache-status"] == "Darkroom;fwd=miss;stored"
        assert "find" not in other.headers["server-timing"]
        assert two.metric('darkroom_cache_requests_total{kind="found",result="hit"}') == 1


def test_redis_dies_and_comes_back_without_a_failed_request(
    make_redis: Callable[..., RedisServer], media: Path, detection: str, models_folder: Path
) -> None:
    redis = make_redis()
    redis.start()
    with Server(media=media, detection=detection, models=models_folder, cache=redis.url, cache_bytes=0) as server:
        server.wait()

        def ask(n: int) -> int:
            return server.get(f"/resize:{20 + n % 40}x/quadrants.png").status_code

        with traffic(ask) as statuses:
            until(lambda: len(statuses) > 50)
            redis.kill()
            seen = len(statuses)
            until(lambda: len(statuses) > seen + 50)
            redis.start()
            hits = 'darkroom_cache_store_events_total{event="hit",store="redis"}'
            before = server.metric(hits)
            until(lambda: server.metric(hits) > before)
        assert set(statuses) == {200}
        assert server.metric('darkroom_cache_store_events_total{event="open",store="redis"}') > 0


def _is_unblurred(body: bytes, original: np.ndarray) -> bool:  # type: ignore[type-arg]
    """Whether the largest face of zidane.jpg still has its detail: high frequencies as in the original."""
    pixels = np.asarray(Image.open(io.BytesIO(body)).convert("L"))
    height, width = pixels.shape
    # Where the two faces are, in fractions of the picture (found once by hand).
    faces = [(0.40, 0.28, 0.50, 0.50), (0.68, 0.10, 0.82, 0.36)]
    return any(
        _detail(pixels[int(t * height) : int(b * height), int(l * width) : int(r * width)])
        > 0.5 * _detail(original[int(t * 720) : int(b * 720), int(l * 1280) : int(r * 1280)])
        for l, t, r, b in faces  # noqa: E741
    )


def _detail(pixels: np.ndarray) -> float:  # type: ignore[type-arg]
    return float(cv2.Laplacian(pixels.astype(np.float32), cv2.CV_32F).var())


def test_the_detection_process_is_killed_under_traffic(media: Path, models_folder: Path, tmp_path: Path) -> None:
    faces = models_folder / "face_detection_yunet_2026may.onnx"
    if faces.exists():  # without the weights of objects, which take long to load; without any, CenterFace
        shutil.copy(faces, tmp_path)
    original = np.asarray(Image.open(media / "zidane.jpg").convert("L"))
    with Server(media=media, models=tmp_path) as server:
        server.wait()

        def ask(n: int) -> tuple[int, bytes]:
            # Every URL is new, and half of them ask for another detection: nothing comes from a cache.
            answer = server.get(f"/blur-faces:{1 + n % 5000 / 1000:.3f}/zidane.jpg")
            return answer.status_code, answer.content

        with traffic(ask, threads=3) as answers:
            for _ in range(2):
                _kill_detection(server, answers)
            until(lambda: server.get("/ready").status_code == 200)
            seen = len(answers)
            until(lambda: any(status == 200 for status, _ in answers[seen + 3 :]))
        assert {status for status, _ in answers} <= {200, 503}
        assert not any(_is_unblurred(body, original) for status, body in answers if status == 200)
        assert server.metric("darkroom_detection_restarts_total") == 2


def _kill_detection(server: Server, answers: list[object]) -> None:
    """Amid traffic; returns when the next detection process runs."""
    seen = len(answers)
    until(lambda: len(answers) > seen + 5)
    victim = server.detection()
    os.kill(victim.pid, signal.SIGKILL)
    until(lambda: not victim.is_running())
    until(lambda: any(child.pid != victim.pid for child in server.children("detectors.service")))


@pytest.mark.parametrize("steps", ["rotate:90/blur-faces", "rotate:180/blur-faces", "blur-faces"])
def test_faces_of_a_sideways_source_are_hidden_too(server: Server, media: Path, steps: str) -> None:
    upright = Image.open(media / "zidane.jpg")
    original = np.asarray(upright.convert("L"))
    turned = {"rotate:90": 90, "rotate:180": 180}.get(steps.partition("/")[0], 90)
    upright.rotate(turned, expand=True).save(media / f"turned{turned}.png")
    answer = server.get(f"/{steps}/turned{turned}.png")
    assert answer.status_code == 200
    picture = Image.open(io.BytesIO(answer.content))
    if not steps.startswith("rotate"):
        picture = picture.rotate(-turned, expand=True)
    body = io.BytesIO()
    picture.convert("RGB").save(body, "PNG")
    assert picture.size == upright.size
    assert not _is_unblurred(body.getvalue(), original)


def test_a_detection_process_that_hangs_degrades_and_is_replaced(
    media: Path, models_folder: Path, tmp_path: Path
) -> None:
    faces = models_folder / "face_detection_yunet_2026may.onnx"
    if faces.exists():
        shutil.copy(faces, tmp_path)
    with Server(media=media, models=tmp_path, renderers=1) as server:
        server.wait()
        assert server.metric("darkroom_detection_restarts_total") == 0
        time.sleep(2.5)  # it has been seen well once
        victim = server.detection()
        victim.suspend()
        try:
            cropped = server.get("/face-crop:30x30/zidane.jpg")
            assert (cropped.status_code, cropped.headers["x-degraded"]) == (200, "largest-face, faces")
            assert server.get("/blur-faces/zidane.jpg").status_code == 503
            assert server.get("/resize:9x/zidane.jpg").status_code == 200
            until(lambda: not victim.is_running())
        finally:
            if victim.is_running():
                victim.kill()
        until(lambda: server.get("/ready").status_code == 200)
        assert server.get("/blur-faces/zidane.jpg").status_code == 200


def test_the_check_for_clear_faces_sees_one(media: Path) -> None:
    original = np.asarray(Image.open(media / "zidane.jpg").convert("L"))
    assert _is_unblurred((media / "zidane.jpg").read_bytes(), original)


def test_without_detectors_redaction_fails_and_the_rest_degrades(media: Path, tmp_path: Path) -> None:
    settings = {"media": media, "detection": tmp_path / "nobody.sock", "models": tmp_path}
    with Server(**settings) as server:
        server.wait("/health")
        blurred = server.get("/blur-faces/zidane.jpg")
        assert (blurred.status_code, blurred.json()["code"]) == (503, "detector-unavailable")
        assert (blurred.headers["retry-after"], blurred.headers["cache-control"]) == ("5", "no-store")
        cropped = server.get("/face-crop:100x100/zidane.jpg")
        assert (cropped.status_code, cropped.headers["x-degraded"]) == (200, "largest-face, faces")
        assert cropped.headers["cache-control"] == "public, max-age=60"  # and no stale-while-revalidate
        tags = server.get("/auto-tag/bus.jpg")
        assert tags.status_code == 200
        assert {missing["detector"] for missing in tags.json()["missing"]} == {"faces", "objects"}
        assert tags.json()["colors"]
        assert server.metric('darkroom_degraded_total{what="faces"}') >= 1
        assert server.get("/ready").status_code == 503
        assert server.get("/resize:10x/bus.jpg").status_code == 200


def test_a_degraded_picture_heals(media: Path, models_folder: Path, tmp_path: Path, detection: str) -> None:
    """Its ETag is not that of the healthy one, so that nobody is told to keep it."""
    with Server(media=media, detection=tmp_path / "nobody.sock", models=models_folder) as lame:
        degraded = lame.wait("/health").get("/face-crop:100x100/zidane.jpg")
    with Server(media=media, detection=detection, models=models_folder) as well:
        healthy = well.wait().get(
            "/face-crop:100x100/zidane.jpg", headers={"If-None-Match": degraded.headers["etag"]}
        )  # fmt: skip
    assert healthy.status_code == 200
    assert "x-degraded" not in healthy.headers


def renderers(server: Server) -> list[psutil.Process]:
    """Render processes: the children of the fork server."""
    [forkserver] = [child for child in server.children("forkserver") if child.ppid() == server.process.pid]
    return forkserver.children()


def test_a_killed_renderer_costs_no_request(server: Server) -> None:
    def ask(n: int) -> str:
        answer = server.get(f"/resize:{300 + n % 900}x{200 + n // 900}/photo.jpg")
        return "" if answer.status_code == 200 else answer.text

    with traffic(ask) as problems:
        until(lambda: len(problems) > 10)
        victims = renderers(server)
        os.kill(victims[0].pid, signal.SIGKILL)
        seen = len(problems)
        until(lambda: len(problems) > seen + 20)
    assert set(problems) == {""}
    assert len(renderers(server)) == len(victims)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_behind(media: Path, models_folder: Path, stop: signal.Signals) -> None:
    with Server(media=media, models=models_folder, renderers=1) as server:
        server.wait("/health")
        server.get("/resize:10x/photo.jpg")
        family = psutil.Process(server.process.pid).children(recursive=True)
        server.process.send_signal(stop)
        server.process.wait(30)
        _, alive = psutil.wait_procs(family, timeout=15)
        assert [process.cmdline() for process in alive] == []

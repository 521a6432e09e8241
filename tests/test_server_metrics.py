"""Metrics: every name is there, values move, several fronts are summed, nothing tells who asked for what."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import psutil
import pytest

from server.metrics import Metrics

from .servers import Server, free_port
from .test_server_shutdown import is_front

IMGPROXYS = {
    "requests_total", "status_codes_total", "errors_total", "request_duration_seconds",
    "request_span_duration_seconds", "workers", "workers_utilization", "requests_in_progress", "images_in_progress",
}  # fmt: skip
OURS = {
    "cache_requests_total", "flight_followers_total", "queue_age_seconds", "shed_total", "degraded_total",
    "detector_batch_size", "detector_duration_seconds", "detector_queue", "gpu_memory_bytes", "pixels_in_flight",
    "source_bytes_total", "sent_bytes_total", "saved_bytes_total", "origin_responses_total", "build_info",
    "resident_memory_bytes", "config_reloads_total", "config_last_reload_successful", "purged_entries_total",
}  # fmt: skip


def names(text: str) -> set[str]:
    """Names of the families, as their # TYPE lines say them."""
    return set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))


def test_every_name_is_there() -> None:
    said = names(Metrics().text().decode())
    assert {f"darkroom_{name}" for name in IMGPROXYS | OURS} - said == set()
    assert "process_resident_memory_bytes" in said


def test_the_namespace_is_a_setting() -> None:
    said = names(Metrics("pictures").text().decode())
    assert "pictures_requests_total" in said
    assert not any(name.startswith("darkroom") for name in said)


def test_a_request_is_counted_in_one_call() -> None:
    metrics = Metrics()
    metrics.request(200, 0.003, 1000)
    metrics.request(200, 0.2, 24)
    metrics.request(404, 0.001, 0)
    metrics.stage("decode", 0.02)
    metrics.stage("new-stage", 0.02)
    metrics.rendered(5000, 1000)
    metrics.rendered(10, 1000)  # nothing is saved where a result is larger
    metrics.origin(503)
    metrics.origin(None)
    metrics.renders["hit"].inc()
    metrics.refresh()
    value = metrics.registry.get_sample_value
    assert value("darkroom_requests_total") == 3
    assert value("darkroom_status_codes_total", {"status": "200"}) == 2
    assert value("darkroom_status_codes_total", {"status": "404"}) == 1
    assert value("darkroom_request_duration_seconds_bucket", {"le": "0.005"}) == 2
    assert value("darkroom_request_duration_seconds_sum") == pytest.approx(0.204)
    assert value("darkroom_sent_bytes_total") == 1024
    assert value("darkroom_request_span_duration_seconds_count", {"span": "decode"}) == 1
    assert value("darkroom_request_span_duration_seconds_count", {"span": "new-stage"}) == 1
    assert (value("darkroom_source_bytes_total"), value("darkroom_saved_bytes_total")) == (5010, 4000)
    assert value("darkroom_origin_responses_total", {"class": "5xx"}) == 1
    assert value("darkroom_origin_responses_total", {"class": "failed"}) == 1
    assert value("darkroom_cache_requests_total", {"kind": "render", "result": "hit"}) == 1


def test_gauges_are_read_when_somebody_looks() -> None:
    metrics = Metrics()
    busy = [0]
    metrics.watch(
        renderers=lambda: 4, busy=lambda: busy[0], pixels=lambda: busy[0] * 1e6, queue_age=lambda: -1e-9, fronts=2
    )  # fmt: skip
    busy[0] = 2
    with metrics.in_progress.track_inprogress():
        text = metrics.text().decode()
    for line in ("workers 4.0", "images_in_progress 2.0", "workers_utilization 25.0", "pixels_in_flight 2e+06",
                 "queue_age_seconds 0.0", "requests_in_progress 1.0"):  # fmt: skip
        assert f"\ndarkroom_{line}\n" in text
    assert "\ndarkroom_requests_in_progress 0.0\n" in metrics.text().decode()


def test_values_move_and_no_label_tells_of_a_picture(server: Server) -> None:
    before = server.metric("darkroom_requests_total")
    sent = server.metric("darkroom_sent_bytes_total")
    body = server.get("/resize:47x31/photo.jpg").content
    assert server.get("/resize:47x/no-such-picture.jpg").status_code == 404
    server.get("/face-crop:47x47/zidane.jpg")
    text = server.get("/metrics").text
    assert server.metric("darkroom_requests_total") == before + 3
    assert server.metric("darkroom_sent_bytes_total") >= sent + len(body)
    assert server.metric('darkroom_errors_total{type="source-not-found"}') >= 1
    assert server.metric('darkroom_request_span_duration_seconds_count{span="encode"}') >= 1
    assert server.metric("darkroom_workers ") >= 1
    assert server.metric('darkroom_resident_memory_bytes{role="front"}') > 10e6
    assert server.metric('darkroom_resident_memory_bytes{role="renderer"}') > 10e6
    assert server.metric("process_resident_memory_bytes") > 10e6
    assert sum(float(count) for count in re.findall(r"detector_duration_seconds_count\S* (\S+)", text)) >= 1
    assert "zidane" not in text
    assert "127.0.0.1" not in text


def test_several_fronts_are_summed_and_one_that_died_is_forgotten(media: Path, detection: str) -> None:
    with Server(media=media, detection=detection, workers=2, renderers=2) as running:
        running.wait()
        for side in range(20, 32):
            with httpx2.Client(base_url=running.url, trust_env=False) as client:  # a connection each, to reach both
                assert client.get(f"/resize:{side}x/photo.jpg").status_code == 200
        assert eventually(lambda: running.metric("darkroom_requests_total") == 12)  # fronts tell every second
        assert running.metric("darkroom_workers ") == 2
        assert running.metric('darkroom_resident_memory_bytes{role="parent"}') > 0
        dead = fronts(running)[0]
        dead.kill()
        until = time.monotonic() + 30
        while time.monotonic() < until and not (len(fronts(running)) == 2 and dead not in fronts(running)):
            time.sleep(0.1)
        running.wait()
        assert running.metric("darkroom_requests_total") >= 12
        while time.monotonic() < until and running.metric("darkroom_workers ") != 2:
            time.sleep(0.2)
        assert running.metric("darkroom_workers ") == 2


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def fronts(running: Server) -> list[psutil.Process]:
    return [child for child in psutil.Process(running.process.pid).children() if is_front(child)]


@pytest.mark.parametrize("workers", [1, 2])
def test_metrics_may_have_a_port_of_their_own(media: Path, detection: str, workers: int) -> None:
    port = free_port()
    with Server(media=media, detection=detection, workers=workers, metrics_bind=f"127.0.0.1:{port}") as running:
        running.wait()
        assert running.get("/resize:21x/photo.jpg").status_code == 200
        assert running.get("/metrics").status_code == 404
        text = httpx2.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
        assert "\ndarkroom_requests_total " in text

        def counted() -> bool:  # the refused /metrics is one
            told = httpx2.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
            return "\ndarkroom_requests_total 2.0\n" in told

        assert eventually(counted)

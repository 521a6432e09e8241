"""The command line, run as a user runs it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from .origins import Origin
from .servers import Server, free_port


def darkroom(*arguments: str, text: str | None = None, **settings: Any) -> subprocess.CompletedProcess[bytes]:
    """`darkroom …` with nothing but these settings in its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
    environment |= {f"DARKROOM_{name.upper()}": str(value) for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "server", *arguments],
        env=environment, input=text.encode() if text else None, capture_output=True, timeout=120,
    )  # fmt: skip


def lines(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_parse_prints_a_line_each() -> None:
    good, same, bad = lines(
        darkroom(
            "parse",
            "/resize:400x300,gravity=center/team/jane doe.jpg",
            "/demo/image/upload/c_fill,w_400,h_300/f_auto/v1/p/42.jpg",
            "/resize:0x/bus.jpg",
        )
    )
    assert good == {
        "ok": True,
        "canonical": "/resize:400x300/-/team/jane%20doe.jpg",
        "steps": good["steps"],
        "source": {"scheme": "file", "location": "team/jane doe.jpg"},
    }
    assert [step["name"] for step in good["steps"]] == ["resize"]
    assert same["canonical"] == "/resize:400x300,fit=cover,enlarge=true/format:auto/-/id:p/42.jpg"
    assert (bad["ok"], bad["status"], bad["code"]) == (False, 400, "bad-argument")
    assert (bad["minimum"], bad["maximum"]) == (1, 8192)
    assert "size" in bad["message"]


def test_parse_reads_standard_input() -> None:
    rows = lines(darkroom("parse", "-", text="/a.jpg\n/resise:1x/b.jpg\n\n/http://[::1/x\n/%ff.jpg\n"))
    assert [row["ok"] for row in rows] == [True, False, False, False, False]
    assert rows[1]["nearest"] == "resize"
    assert all({"status", "code", "message"} <= set(row) for row in rows[1:])


def test_what_parse_prints_means_the_same(server: Server) -> None:
    asked = "/demo/image/upload/c_thumb,g_face,w_90,h_90/f_webp/zidane.jpg"
    [row] = lines(darkroom("parse", asked))
    one, two = server.get(asked), server.get(row["canonical"])
    assert one.content == two.content
    assert two.headers["cache-status"] == "Darkroom;hit"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MAX_SRC_PIXLES", "1", "MAX_SRC"),
        ("PROT", "1", "DARKROOM_PORT"),
        ("PORT", "abc", "DARKROOM_PORT=abc"),
        ("CACHE", "http://x", "memory:"),
        ("ALLOWED_SOURCES", "example.com", "ALLOWED_SOURCES"),
        ("MEDIA", "/no/such/folder", "DARKROOM_MEDIA"),
        ("HOST", "0.0.0.0", "DARKROOM_UNSIGNED=1"),
    ],
)
def test_serve_refuses_wrong_settings_in_words(name: str, value: str, said: str) -> None:
    done = darkroom("serve", **{name: value})
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_serve_takes_options(media: Path, detection: str) -> None:
    port = free_port()
    command = [
        sys.executable, "-m", "server", "serve", "--port", str(port), "--media", str(media), "--cache", "memory:",
        "--renderers", "1", "--device", "cpu", "--allowed-sources", "https://example.com", "--host", "127.0.0.1",
    ]  # fmt: skip
    with Server(detection=detection, command=command, port=port) as running:
        running.wait("/health")
        assert running.get("/resize:10x/photo.jpg").status_code == 200
        assert darkroom("health", port=port).stdout == b"ok\n"
        assert "/resize:400x300/bus.jpg" in running.log()
    assert darkroom("health", port=port).returncode == 1


def test_several_fronts_share_a_port_and_their_metrics(media: Path, models_folder: Path) -> None:
    with Server(media=media, models=models_folder, workers=2, renderers=2) as running:
        running.wait()
        for n in range(20):
            assert running.get(f"/resize:{20 + n}x/photo.jpg").status_code == 200
        assert running.metric("darkroom_requests_total") == 20
        assert running.get("/face-crop:50x50/zidane.jpg").status_code == 200
        assert len(running.children("detectors.service")) == 1


def test_render_writes_what_the_server_sends(server: Server, media: Path, detection: str, tmp_path: Path) -> None:
    target = tmp_path / "out.webp"
    done = darkroom(
        "render", "/face-crop:80x80/format:webp/zidane.jpg", "-o", str(target), media=media, detection=detection
    )
    assert done.returncode == 0, done.stderr
    assert target.read_bytes() == server.get("/face-crop:80x80/format:webp/zidane.jpg").content
    piped = darkroom("render", "/resize:20x/photo.jpg", media=media, detection=detection)
    assert Image.open(io.BytesIO(piped.stdout)).size == (20, 15)


def test_render_says_what_is_wrong(media: Path, detection: str) -> None:
    done = darkroom("render", "/resize:20x/nope.jpg", media=media, detection=detection)
    assert (done.returncode, done.stdout) == (1, b"")
    assert "source-not-found" in done.stderr.decode()


def test_render_says_where_it_cannot_write(media: Path) -> None:
    done = darkroom("render", "/resize:20x/photo.jpg", "-o", "/no/such/folder/x.jpg", media=media)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_render_starts_no_detectors_where_nothing_asks_for_them(media: Path) -> None:
    assert darkroom("render", "/resize:20x/photo.jpg", media=media).stderr == b""


def test_tag_prints_a_line_each(media: Path, detection: str, models_folder: Path) -> None:
    files = [str(media / name) for name in ("zidane.jpg", "text.jpg")]
    done = darkroom("tag", *files, detection=detection, models=models_folder)
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert done.returncode == 1  # one of them is no picture
    assert first["file"] == files[0]
    assert "person" in {tag["tag"] for tag in first["tags"]}
    assert len(first["faces"]) == 2
    assert second["error"]["code"] == "not-an-image"


def test_models_are_listed_and_verified(models_folder: Path, tmp_path: Path) -> None:
    listed = darkroom("models", "list", models=models_folder).stdout.decode()
    assert all(name in listed for name in ("yolo11n", "yunet-2026may", "centerface", "AGPL-3.0", "MIT"))
    assert darkroom("models", "verify", models=models_folder).returncode == 0
    (tmp_path / "face_detection_yunet_2026may.onnx").write_bytes(b"altered")
    altered = darkroom("models", "verify", models=tmp_path)
    assert altered.returncode == 1
    assert "altered" in altered.stdout.decode()


def test_models_are_pulled_from_a_mirror_and_checked(tmp_path: Path) -> None:
    wrong = (200, {"Content-Type": "application/octet-stream"}, b"not the weights")
    path = "/ultralytics/assets/releases/download/v8.3.0/yolo11n.pt"
    with Origin({path: wrong}) as mirror:
        done = darkroom("models", "pull", "yolo11n", models=tmp_path, models_mirror=mirror.url)
        assert mirror.paths() == [path]
    assert done.returncode == 1
    assert "model-checksum-mismatch" in done.stderr.decode()
    assert list(tmp_path.iterdir()) == []
    unknown = darkroom("models", "pull", "yolo11", models=tmp_path)
    assert (unknown.returncode, "yolo11" in unknown.stderr.decode()) == (1, True)


def test_detect_serves_over_tcp_with_a_secret(media: Path, models_folder: Path) -> None:
    assert darkroom("detect", "--host", "127.0.0.1", "--port", "1").returncode == 2  # no secret
    port = free_port()
    secret = {"detection_secret": "hush", "models": models_folder}
    command = [sys.executable, "-m", "server", "detect", "--host", "127.0.0.1", "--port", str(port)]
    with Server(command=command, port=port, **secret) as service:
        service.wait("/health")
        address = f"http://127.0.0.1:{port}"
        with Server(media=media, detection=address, **secret) as running:
            answer = running.wait().get("/face-crop:50x50/zidane.jpg")
            assert (answer.status_code, "x-degraded" in answer.headers) == (200, False)
        with Server(media=media, detection=address, detection_secret="wrong", models=models_folder) as running:
            assert running.wait("/health").get("/blur-faces/zidane.jpg").status_code == 503


@pytest.mark.parametrize(
    "command",
    ["", "serve", "detect", "render", "tag", "check", "doctor", "purge", "warm", "sign", "url", "parse", "models",
     "models list", "models pull", "models verify", "health"],
)  # fmt: skip
def test_every_command_says_what_it_takes(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "server", *command.split(), "--help"], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage" in done.stdout

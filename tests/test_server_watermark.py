"""The watermark: laid over every picture, whatever its URL says, and never over what is no picture."""

from __future__ import annotations

import io
import json
import shutil
import signal
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from server.configuration import Configuration
from server.doctor_watermark import watermark as examined
from server.presets import Presets
from server.settings import Settings, SettingsError
from server.watermark import UNMARKED, marked, wants_mark, watermark_of
from transforms.letters.fonts import find
from transforms.pipeline import Pipeline

from .servers import Server
from .test_cli import darkroom
from .test_server_layers import BLUE, RED, corner, laid, mark
from .test_server_shutdown import eventually
from .test_sources_mounts import jpeg, served

MARK = "overlay:id:marks:logo,gravity=south_east/end"
RELOADS = 'darkroom_config_reloads_total{result="ok"}'


def filled(folder: Path) -> Path:
    """A folder with `media`, in which a.jpg and the logo lie."""
    (folder / "media" / "marks").mkdir(parents=True)
    (folder / "media" / "a.jpg").write_bytes(jpeg(40, 30))
    (folder / "media" / "marks" / "logo.png").write_bytes(mark(RED))
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = filled(tmp_path_factory.mktemp("watermark"))
    config = '[presets]\nsmall = "resize:30x"\n'
    with served(folder, config, watermark=MARK) as running:
        yield running


@pytest.mark.parametrize(
    "path",
    [
        "/a.jpg",
        "/id:a",
        "/resize:20x/a.jpg",
        "/preset:small/a.jpg",
        "/format:png/a.jpg",
        "/if:w>9/resize:20x/end/a.jpg",
        "/demo/image/upload/a.jpg",
        "/demo/image/upload/c_scale,w_20/a.png",
        "/demo/image/upload/t_small/a.jpg",
        "/fallback:a/no.jpg",
    ],
)
def test_every_picture_has_it(server: Server, path: str) -> None:
    first = server.get(path)
    assert corner(first) == RED
    assert server.get(path).headers["Cache-Status"] == "Darkroom;hit"


def test_it_lies_over_the_layers_of_the_url(server: Server) -> None:
    (Path(server_media(server)) / "marks" / "blue.png").write_bytes(mark(BLUE))
    assert corner(server.get(laid("marks:blue.png"))) == RED


def server_media(server: Server) -> str:
    environ = Path(f"/proc/{server.process.pid}/environ").read_text().split("\0")
    return next(entry for entry in environ if entry.startswith("DARKROOM_MEDIA="))[15:]


def test_reports_have_none(server: Server) -> None:
    answer = server.get("/info/a.jpg")
    assert answer.headers["Content-Type"] == "application/json"
    assert "overlay" not in answer.text


def test_it_is_explained(server: Server) -> None:
    told = server.get("/resize:20x/format:explain,json/a.jpg")
    assert told.status_code == 200
    assert "overlay:id:marks:logo" in json.dumps(told.json())


@pytest.mark.parametrize("steps", ["", "resize:20x/", "crop:9x9/", "info/", "if:w>9/format:png/end/"])
def test_it_lies_over_the_drawing_of_an_explanation(server: Server, steps: str) -> None:
    answer = server.get(f"/{steps}format:explain/a.jpg")
    assert answer.headers["Content-Type"] == "image/jpeg"
    red, green, blue = np.moveaxis(np.asarray(Pillow.open(io.BytesIO(answer.content)).convert("RGB"))[:480], 2, 0)
    shown = (red > 70) & (green < 40) & (blue < 40)  # what is outside of a crop is dimmed
    assert shown.sum() > 10_000  # the source of 40x30 is shown at 640x480, a logo of 8x8 at 128x128


@pytest.mark.parametrize(
    "path", ["/info:placeholders/a.jpg", "/if:w>9/info:placeholders/end/a.jpg", "/format:lqip/a.jpg"]
)
def test_it_lies_over_tiny_pictures(server: Server, path: str) -> None:
    answer = server.get(path)
    body = answer.content
    if answer.headers["Content-Type"] == "application/json":
        body = b64decode(answer.json()["placeholders"]["lqip"].partition(",")[2])
    tiny = np.asarray(Pillow.open(io.BytesIO(body)).convert("RGB")).astype(int)
    assert np.abs(tiny[-2, -2] - RED[:3]).max() < 60


def test_a_missing_logo_is_the_operators_mistake(tmp_path: Path) -> None:
    folder = filled(tmp_path)
    (folder / "media" / "marks" / "logo.png").unlink()
    with served(folder, "", watermark=MARK) as running:
        answer = running.get("/a.jpg")
        assert (answer.status_code, answer.json()["code"]) == (503, "watermark-unavailable")
        assert "marks" not in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        assert "watermark unavailable" in running.log()
        (folder / "media" / "marks" / "logo.png").write_text("no picture")
        answer = running.get("/a.jpg")
        assert (answer.status_code, answer.json()["code"]) == (503, "watermark-unavailable")
        (folder / "media" / "marks" / "logo.png").write_bytes(mark(BLUE))
        assert corner(running.get("/a.jpg")) == BLUE


def test_it_is_part_of_the_key(tmp_path: Path) -> None:
    folder = filled(tmp_path)
    etags = []
    for text in (None, MARK, MARK.replace("/end", ",opacity=50/end")):
        with served(folder, "", watermark=text) as running:
            etags.append(running.get("/a.jpg").headers["ETag"])
    assert len(set(etags)) == 3


def test_it_is_read_anew_where_a_preset_says_it(tmp_path: Path) -> None:
    folder = filled(tmp_path)
    (folder / "media" / "marks" / "blue.png").write_bytes(mark(BLUE))
    preset = f'[presets]\nmark = "{MARK}"\n'
    with served(folder, preset, watermark="preset:mark") as running:
        before = running.get("/a.jpg")
        assert corner(before) == RED
        (folder / "darkroom.toml").write_text(preset.replace("logo", "blue"))
        running.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: running.metric(RELOADS) == 1)
        after = running.get("/a.jpg", headers={"If-None-Match": before.headers["ETag"]})
        assert corner(after) == BLUE
        (folder / "darkroom.toml").write_text(preset.replace("overlay", "overlie"))
        running.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: running.metric(RELOADS.replace("ok", "failed")) == 1)
        assert corner(running.get("/a.jpg")) == BLUE


def test_private_logos_need_no_signature(tmp_path: Path) -> None:
    folder = filled(tmp_path)
    with served(folder, "", watermark=MARK.replace("id:", "private:")) as running:
        assert corner(running.get("/a.jpg")) == RED
        assert running.get(laid("private:marks:logo")).json()["code"] == "unsigned-layer"


def read(text: str, presets: Presets | None = None) -> Pipeline:
    return watermark_of(Settings.load(watermark=text), presets or Presets())


@pytest.mark.parametrize(
    "text",
    [
        "overlay:logo.png/end",
        "/overlay:marks:logo.png,gravity=south_east,x=10,y=10,size=0.2x,opacity=60/end/",
        "overlay:gravity=south/text:%C2%A9 me%252C 2026/end",
        "if:w>200/overlay:logo.png/end/end",
        "text:Hello,gravity=south",
    ],
)
def test_steps_as_in_a_url(text: str) -> None:
    found = read(text)
    assert found.nodes
    assert Pipeline.parse(found.text) == found


def test_presets_are_put_in() -> None:
    assert read("preset:mark", Presets.read({"mark": "overlay:logo.png/end"})) == read("overlay:logo.png/end")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("overlie:logo.png/end", "did you mean 'overlay'"),
        ("overlay:logo.png", "not closed"),
        ("overlay:logo.png,opacity=101/end", "opacity"),
        ("format:webp", "format"),
        ("auto-tag", "auto-tag"),
        ("let:a=1", "no step"),
        ("cloudinary:e_upscale", "steps that are rendered"),
        ("overlay:($logo)/end", "logo"),
        ("preset:none", "none"),
        ("/", "no step"),
    ],
)
def test_what_is_wrong_is_told_at_the_start(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=r"DARKROOM_WATERMARK=") as caught:
        Settings.load(watermark=text).check()
    assert said in str(caught.value)


def test_it_comes_after_all_steps() -> None:
    mark = read(MARK)
    for text in ("", "resize:20x/format:webp", "if:w>9/auto-tag/end", "format:thumbhash"):
        pipeline = Pipeline.parse(text)
        assert wants_mark(pipeline)
        assert marked(pipeline, mark).nodes[-1] == mark.nodes[0]
    assert not wants_mark(Pipeline.parse("resize:20x/auto-tag"))
    assert marked(Pipeline(), UNMARKED) == Pipeline()


def test_check_names_it(media: Path) -> None:
    done = darkroom("check", "--json", media=media, watermark="overlie:logo.png/end")
    assert done.returncode == 2
    assert "DARKROOM_WATERMARK" in json.loads(done.stdout)["problems"][0]


@pytest.mark.parametrize(
    ("text", "mounts", "expected"),
    [
        (MARK, "", [("ok", "overlay:id:marks:logo")]),
        ("overlay:marks:logo.png/end", "", [("ok", "marks")]),
        ("overlay:marks:none.png/end", "", [("fail", "marks/none.png")]),
        ("overlay:id:marks:none/end", "", [("fail", "marks/none")]),
        ("overlay:https:%252F%252Fexample.com%252Fa.png/end", "", [("fail", "DARKROOM_ALLOWED_SOURCES")]),
        (MARK, '[mounts]\none = "media"\ntwo = "other"\n', [("fail", "for the cloud two")]),
        (MARK, '[mounts]\none = "media"\ntwo = "other"\n"two/marks" = "media/marks"\n', [("ok", "overlay")]),
        (None, "", []),
    ],
)
def test_the_doctor_looks_for_its_pictures(
    tmp_path: Path, text: str | None, mounts: str, expected: list[tuple[str, str]]
) -> None:
    folder = filled(tmp_path)
    (folder / "other").mkdir()
    (folder / "darkroom.toml").write_text(mounts)
    settings = Settings.load(media=folder / "media", config=folder / "darkroom.toml", watermark=text)
    Configuration.load(settings.config)
    found = list(examined(settings))
    assert [finding.status for finding in found] == [status for status, _ in expected]
    assert all(said in finding.says for finding, (_, said) in zip(found, expected, strict=True))


def test_fonts_of_the_operator(tmp_path: Path) -> None:
    folder = filled(tmp_path)
    path, plain = "/text:Hello,font=mine.ttf,size=20/a.jpg", "/text:Hello,size=20/a.jpg"
    with served(folder, "") as running:
        assert running.get(path).json()["code"] == "unknown-font"
        before = running.get(plain).headers["ETag"]
    (folder / "fonts").mkdir()
    shutil.copy(find("sans-serif").face.path, folder / "fonts" / "mine.ttf")
    with served(folder, "", fonts=folder / "fonts") as running:
        assert running.get(path).status_code == 200
        assert running.get(plain).headers["ETag"] != before  # other fonts may be found for it


def test_fonts_are_folders(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"DARKROOM_FONTS="):
        Settings.load(media=tmp_path, fonts=str(tmp_path / "none")).check()
    (tmp_path / "fonts").mkdir()
    (tmp_path / "more").mkdir()
    settings = Settings.load(media=tmp_path, fonts=str(tmp_path / "more"))
    settings.check()
    assert settings.font_folders == (tmp_path / "more", tmp_path / "fonts")

"""A site that has moved here from Cloudinary: a running server over its originals, and how a browser gets its pictures.

What it holds (all 1600 × 1200 unless said otherwise):

    photo.jpg              quadrants red, green over blue, yellow; the same under every name of NAMES
    detail.jpg             what compresses as a photograph does, 800 × 600
    people.jpg             1280 × 720, with two faces
    logo.png               200 × 100, a red disc on nothing
    paper.png              400 × 300, white
    marks/ink.png          40 × 20, magenta
    loop.gif               48 × 32, three frames
    avatars/none.png       30 × 30, shown where a picture is missing
    private and authenticated/hidden.jpg, 400 × 300
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import httpx2
import numpy as np
from PIL import Image as Pillow

from server.machine import sample_pictures
from transforms.image import PixelArray

from .. import pictures
from ..origins import Origin, Reply
from ..servers import Server

CLOUD = "demo"
SECRET = "the secret of the account"
OLDER_SECRET = "the secret before it was changed"

CONFIG = """
[mounts]
"*" = "media"
"*:private" = "private"
"*:authenticated" = "authenticated"

[presets]
"corner" = "c_crop,g_south_east,h_100,w_100"
"small one" = "c_limit,h_80,w_80"
"branded-2" = "b_rgb:00f,c_pad,h_120,w_120/f_png"
"band" = "$wide_300/c_fill,h_50,w_$wide"
"native" = "resize:64x48/format:webp"
"""


@dataclass(frozen=True)
class Delivered:
    """What came back: the response, and the picture in it as it is stored."""

    response: httpx2.Response
    picture: Pillow.Image

    @property
    def size(self) -> tuple[int, int]:
        return self.picture.size

    @property
    def format(self) -> str:
        return str(self.picture.format)

    @property
    def pixels(self) -> PixelArray:
        """(h, w, 3 or 4), BGR."""
        with_alpha = self.picture.has_transparency_data
        return pictures.pixels(self.picture.convert("RGBA" if with_alpha else "RGB"))

    @property
    def quadrants(self) -> str:
        return " ".join(pictures.corners(self.pixels))

    def colour(self, x: float, y: float) -> str:
        """The name of the colour at fractions of the sides: red, white, clear, …; others as hex text."""
        height, width = self.pixels.shape[:2]
        pixel = self.pixels[min(int(y * height), height - 1), min(int(x * width), width - 1)].astype(int)
        if len(pixel) == 4 and pixel[3] < 20:
            return "clear"
        return next((name for name, ink in _INKS.items() if np.abs(pixel[:3] - ink).max() <= 40), _hex(pixel))


_INKS = {
    "red": pictures.RED, "green": pictures.GREEN, "blue": pictures.BLUE, "yellow": pictures.YELLOW,
    "white": (255, 255, 255), "black": (0, 0, 0), "gray": (128, 128, 128),
}  # fmt: skip


def _hex(pixel: PixelArray) -> str:
    return bytes(pixel[2::-1].tolist()).hex()


@dataclass(frozen=True)
class Site:
    server: Server
    origin: Origin

    @property
    def host(self) -> str:
        """What a client library is told instead of res.cloudinary.com."""
        return f"127.0.0.1:{self.server.port}"

    def get(self, url: str, **headers: str) -> httpx2.Response:
        """The answer to a URL as the library built it; TLS would end in front of the server."""
        parts = urlsplit(url)
        assert parts.netloc == self.host, url
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.server.get(url.replace("https://", "http://", 1), headers=named)

    def fetch(self, url: str, **headers: str) -> Delivered:
        answer = self.get(url, **headers)
        assert answer.status_code == 200, f"{url}\n{answer.text[:500]}"
        picture = Pillow.open(io.BytesIO(answer.content))
        picture.load()
        return Delivered(answer, picture)

    def refusal(self, url: str, **headers: str) -> tuple[int, str]:
        """Status and code of an answer that is no picture, which says why in Cloudinary's header as well."""
        answer = self.get(url, **headers)
        assert answer.status_code >= 400, url
        assert answer.headers["X-Cld-Error"]
        return answer.status_code, answer.json()["code"]


@contextmanager
def opened(folder: Path, detection: str, models: Path, **settings: object) -> Iterator[Site]:
    """The site, served from a folder that is filled first."""
    _fill(folder)
    (folder / "darkroom.toml").write_text(CONFIG)
    remote = {"/remote/photo.jpg": _remote(), "/remote/by%20name": _remote()}
    marked = dict.fromkeys(("/remote/mark.png", "/remote/mark.png?size=a%2Fb"), _mark())
    with Origin({**remote, **marked}) as origin:
        given = {
            "media": folder / "media", "config": folder / "darkroom.toml", "detection": detection, "models": models,
            "cloudinary_secret": f"{SECRET},{OLDER_SECRET}", "allowed_sources": origin.url,
            "allowed_networks": "127.0.0.1/32", "renderers": 1, **settings,
        }  # fmt: skip
        with Server(**given) as server:
            yield Site(server.wait("/ready"), origin)


def _remote() -> Reply:
    return 200, {"Content-Type": "image/jpeg"}, _jpeg(pictures.quadrants(800, 600))


def _mark() -> Reply:
    """30 × 30 in a blue that nothing else has."""
    return 200, {"Content-Type": "image/png"}, pictures.file(np.full((30, 30, 3), (255, 200, 0), np.uint8), "PNG")


def _jpeg(pixels: PixelArray) -> bytes:
    return pictures.file(pixels, "JPEG", quality=90)


NAMES = (
    "photo.jpg", "team/jane doe.jpg", "w_100/shape.jpg", "t_shirts/one.jpg", "2024/été/fête, à deux.jpg",
    "with.dots.in/a.name.jpg", "shop:sale.jpg",
)  # fmt: skip


def _fill(folder: Path) -> None:
    photo = _jpeg(pictures.quadrants(1600, 1200))
    files = {f"media/{name}": photo for name in NAMES}
    files |= {f"{kind}/hidden.jpg": _jpeg(pictures.quadrants(400, 300)) for kind in ("private", "authenticated")}
    files["media/detail.jpg"] = _jpeg(pictures.photo(800, 600))
    files["media/people.jpg"] = (sample_pictures() / "zidane.jpg").read_bytes()
    files["media/logo.png"] = pictures.file(_disc(200, 100), "PNG")
    files["media/paper.png"] = pictures.file(np.full((300, 400, 3), 255, np.uint8), "PNG")
    files["media/marks/ink.png"] = pictures.file(np.full((20, 40, 3), (255, 0, 255), np.uint8), "PNG")
    files["media/loop.gif"] = pictures.animation(pictures.animated(frames=3), "GIF")
    files["media/avatars/none.png"] = pictures.file(pictures.checks(30, 30), "PNG")
    for name, body in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)


def _disc(width: int, height: int) -> PixelArray:
    pixels = np.zeros((height, width, 4), np.uint8)
    cv2.circle(pixels, (width // 2, height // 2), height // 3, (*pictures.RED, 255), -1)
    return pixels


class Tags(HTMLParser):
    """The tags of a piece of HTML with their attributes, in the order written."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attributes}))

    def attributes(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.found if name == tag]


def candidates(srcset: str) -> dict[str, str]:
    """URL by descriptor (`400w`, nothing for a URL alone) of a srcset, whose URLs may have commas in them."""
    words = srcset.split()
    if len(words) == 1:
        return {"": srcset}
    return {width.removesuffix(","): url for url, width in zip(words[::2], words[1::2], strict=True)}

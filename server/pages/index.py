"""The first page: the sample URLs as links and pictures, so that a new user sees the server work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

POLICY = "default-src 'self'; style-src 'unsafe-inline'"

SAMPLES = (
    ("/resize:400x300/bus.jpg", "JPEG, fits inside 400×300"),
    ("/face-crop:200x200/format:webp/zidane.jpg", "200×200 WebP around the largest face"),
    ("/blur-faces/zidane.jpg", "every face made unrecognisable"),
    ("/auto-tag/bus.jpg", "JSON: tags, objects, faces, colours"),
    (
        "/demo/image/upload/c_thumb,g_face,w_200,h_200/f_auto,q_auto/zidane.jpg",
        "the same work in Cloudinary's spelling",
    ),
)


def index(media: Path) -> Callable[[Request], Awaitable[Response]]:
    """The first page for a media folder: samples that are there, shown and linked."""

    async def page(request: Request) -> Response:
        return HTMLResponse(_page(present(media)), headers={"Content-Security-Policy": POLICY})

    return page


def present(media: Path) -> list[tuple[str, str]]:
    """The samples whose pictures lie in the media folder."""
    return [(path, what) for path, what in SAMPLES if (media / path.rpartition("/")[2]).is_file()]


def _page(samples: list[tuple[str, str]]) -> str:
    rows = "".join(_row(path, what) for path, what in samples)
    rows = rows or "<li>Put a picture into the media folder and ask for <code>/resize:400x300/its-name.jpg</code>.</li>"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Darkroom</title>'
        '<meta name="viewport" content="width=device-width">'
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "img{max-height:200px;max-width:100%;display:block}li{margin:1rem 0}code{overflow-wrap:anywhere}</style>"
        f"<h1>Darkroom</h1><p>A URL in, the right picture out.</p><ul>{rows}</ul>"
        '<p><a href="/schema.json">All operations</a> · <a href="/models">Models</a> · '
        '<a href="/version">Version and source code</a></p>'
    )


def _row(path: str, what: str) -> str:
    picture = "" if "/auto-tag" in path else f'<img src="{escape(path)}" alt="{escape(what)}">'
    return f'<li><a href="{escape(path)}"><code>{escape(path)}</code></a> — {escape(what)}{picture}</li>'

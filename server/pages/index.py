"""The first page: the sample URLs as links and pictures, so that a new user sees the server work."""

from __future__ import annotations

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

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


async def index(request: Request) -> Response:
    """The samples, shown and linked."""
    rows = "".join(_row(path, what) for path, what in SAMPLES)
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Darkroom</title>'
        '<meta name="viewport" content="width=device-width">'
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "img{max-height:200px;max-width:100%;display:block}li{margin:1rem 0}code{overflow-wrap:anywhere}</style>"
        f"<h1>Darkroom</h1><p>A URL in, the right picture out.</p><ul>{rows}</ul>"
        '<p><a href="/schema.json">All operations</a> · <a href="/models">Models</a> · '
        '<a href="/version">Version and source code</a></p>'
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": "default-src 'self'; style-src 'unsafe-inline'"})


def _row(path: str, what: str) -> str:
    picture = "" if "/auto-tag" in path else f'<img src="{escape(path)}" alt="{escape(what)}">'
    return f'<li><a href="{escape(path)}"><code>{escape(path)}</code></a> — {escape(what)}{picture}</li>'

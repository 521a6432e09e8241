"""Whether every format can be written and read again, and what texts are set in."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from transforms.failure import Failure

from .settings import Settings

if TYPE_CHECKING:
    from .doctor import Finding

FORMATS = ("jpeg", "png", "webp", "avif", "gif", "bmp", "tiff", "ico", "jp2")
REINSTALL = "reinstall Pillow from its wheel: pip install --force-reinstall pillow"
_FONTS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")


def codecs(settings: Settings) -> Iterator[Finding]:
    """Each format, by the very code that renders: a picture is made in it, and read again."""
    from .doctor import Finding

    working, broken = [], []
    with tempfile.TemporaryDirectory(prefix="darkroom-doctor-") as folder:
        source = Path(folder) / "source.png"
        _draw(source)
        for name in FORMATS:
            try:
                made = Path(folder) / f"made.{name}"
                made.write_bytes(_rendered(source, f"format:{name}", settings))
                _rendered(made, "format:png", settings)
                working.append(name)
            except (Failure, OSError) as error:
                broken.append(f"{name} ({getattr(error, 'code', type(error).__name__)})")
    if working:
        yield Finding("codecs", "ok", f"written and read: {', '.join(working)}")
    if broken:
        yield Finding("codecs", "fail", f"not working: {', '.join(broken)}", REINSTALL)
    yield _heic()


def _draw(path: Path) -> None:
    from PIL import Image

    Image.linear_gradient("L").resize((64, 48)).convert("RGB").save(path)


def _rendered(source: Path, pipeline: str, settings: Settings) -> bytes:
    from transforms.output import Client

    from .renderer import Job, render

    return render(Job(str(source), pipeline, Client(), settings.limits, time.monotonic() + 20)).body


def _heic() -> Finding:
    from .doctor import Finding

    try:
        import pi_heif

        decoder = ", ".join(pi_heif.libheif_info().get("decoders", {}).values())
    except (ImportError, OSError) as error:
        return Finding("codecs", "fail", f"HEIC cannot be read: {error}", "pip install --force-reinstall pi-heif")
    if decoder:
        return Finding("codecs", "ok", f"HEIC is read by {decoder}")
    return Finding("codecs", "fail", "HEIC: libheif has no decoder", "pip install --force-reinstall pi-heif")


def fonts(settings: Settings) -> Iterator[Finding]:
    """What texts over pictures are set in."""
    from PIL import features

    from .doctor import Finding

    if not features.check("freetype2"):
        yield Finding("fonts", "fail", "Pillow has no FreeType", REINSTALL)
        return
    folders = [*settings.font_folders, *(Path(name).expanduser() for name in _FONTS)]
    found = sum(1 for folder in folders for suffix in ("ttf", "otf", "ttc") for _ in folder.rglob(f"*.{suffix}"))
    shaped = "" if features.check("raqm") else "; without raqm, so that Arabic and Indic scripts are not shaped"
    yield Finding(
        "fonts", "ok" if found else "warn", f"{found} font files{shaped}",
        "" if found else "apt-get install fonts-dejavu-core, for scripts and weights beside Pillow's own font",
    )  # fmt: skip

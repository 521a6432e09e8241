"""What all the readers of files share: which plugin reads which format, under which limits, and how damage is told."""

from __future__ import annotations

import importlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import cv2
from PIL import Image as Pillow
from PIL.Image import DecompressionBombError, DecompressionBombWarning

from .failure import Failure, Kind
from .image import FormatName
from .limits import Limits

_PLUGINS: dict[FormatName, str] = {
    "jpeg": "Jpeg", "png": "Png", "webp": "WebP", "gif": "Gif", "avif": "Avif",
    "tiff": "Tiff", "bmp": "Bmp", "ico": "Ico", "jp2": "Jpeg2K",
}  # fmt: skip

_PILLOW_NAMES: dict[FormatName, str] = {"webp": "WEBP", "jp2": "JPEG2000", "heic": "HEIF"}


def open_picture(data: bytes, format: FormatName) -> Pillow.Image:  # noqa: A002
    """The file's header, read by the one plugin of that format; pixels follow on `load`. Call it within `reading`."""
    load_plugin(format)
    return Pillow.open(io.BytesIO(data), formats=[pillow_name(format)])


def pillow_name(format: FormatName) -> str:  # noqa: A002
    """What Pillow calls the format."""
    return _PILLOW_NAMES.get(format, format.upper())


@cache
def load_plugin(format: FormatName) -> None:  # noqa: A002
    """Import what reads and writes that format, once. HEIC and AVIF are kept to the one thread of a render process."""
    if format == "heic":
        import pi_heif  # 6 MiB of libraries that most render processes never need

        pi_heif.register_heif_opener(decode_threads=1, thumbnails=False)
        return
    plugin = importlib.import_module(f"PIL.{_PLUGINS[format]}ImagePlugin")
    if format == "avif":
        vars(plugin)["DEFAULT_MAX_THREADS"] = 1


@contextmanager
def reading(limits: Limits) -> Iterator[None]:
    """Holds Pillow to the limits, and turns what a codec makes of a damaged file into Failure damaged-image.

    Raises Failure too-many-pixels before anything of that size is allocated; running out of memory is MemoryError.
    """
    usual, Pillow.MAX_IMAGE_PIXELS = Pillow.MAX_IMAGE_PIXELS, limits.source_pixels
    try:
        with warnings.catch_warnings():
            # Pillow warns above its limit and only raises above twice its limit; for us the limit is the limit.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", DecompressionBombWarning)
            yield
    except (Failure, MemoryError):
        raise
    except (DecompressionBombWarning, DecompressionBombError):
        raise too_many_pixels(limits) from None
    except Exception as error:
        # Codecs fed with hostile bytes raise almost anything: OSError, SyntaxError, struct.error, ZeroDivisionError …
        if "out of memory" in str(error) or getattr(error, "code", None) == cv2.Error.StsNoMem:
            raise MemoryError from error
        raise damaged() from error
    finally:
        Pillow.MAX_IMAGE_PIXELS = usual


def damaged() -> Failure:
    return Failure(
        Kind.UNSUPPORTED_MEDIA,
        "damaged-image",
        "the source is an image that cannot be read: it is damaged or incomplete",
        hint="does it open in a browser, and was it uploaded completely?",
    )


def too_many_pixels(limits: Limits) -> Failure:
    return Failure(
        Kind.UNPROCESSABLE,
        "too-many-pixels",
        f"the source has more than the {limits.source_pixels / 1e6:g} megapixels allowed",
        details={"maximum": limits.source_pixels},
    )

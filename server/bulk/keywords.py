"""Tags as keywords in the file itself: XMP dc:subject and IPTC keywords, by Exiv2. No pixel is touched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from transforms.failure import Failure, Kind

XMP, IPTC, CHARSET = "Xmp.dc.subject", "Iptc.Application2.Keywords", "Iptc.Envelope.CharacterSet"
UTF8 = "\x1b%G"
LONGEST = 64  # bytes of a keyword in IPTC
BOTH = frozenset({"image/jpeg", "image/tiff", "image/png"})  # that hold IPTC as well
WRITABLE = BOTH | {"image/webp"}
NEEDED = "keywords need pyexiv2: pip install -e '.[metadata]'"


def write(path: Path, words: Sequence[str], copy: Path | None) -> str:
    """Adds what is not there yet, and says `written`, `same`, or `would-write` where there is no `copy` to be made.

    The file is replaced in one step by a changed copy, with the same owner's rights and a new modification time:
    backups and caches must see that it is another one. Raises Failure `keywords-not-supported`, `not-writable`.
    """
    import pyexiv2

    pyexiv2.set_log_level(4)
    try:
        with pyexiv2.Image(os.fsdecode(path)) as image:
            kind = image.get_mime_type()
            if kind not in WRITABLE:
                raise _unsupported(kind)
            xmp, iptc = _listed(image.read_xmp().get(XMP)), _listed(image.read_iptc().get(IPTC))
    except RuntimeError:
        raise _unsupported("this file") from None
    subject = [*xmp, *(word for word in words if word not in xmp)]
    short = [word for word in words if len(word.encode()) <= LONGEST]
    keywords = [*iptc, *(word for word in short if word not in iptc)] if kind in BOTH else iptc
    if (subject, keywords) == (xmp, iptc):
        return "same"
    if copy is None:
        return "would-write"
    _replace(path, copy, subject, keywords)
    return "written"


def _replace(path: Path, copy: Path, subject: list[str], keywords: list[str]) -> None:
    import pyexiv2

    try:
        copy.touch(0o600, exist_ok=False)
    except OSError as error:
        raise _not_writable(error) from None
    try:
        shutil.copyfile(path, copy)
        shutil.copymode(path, copy)
        with pyexiv2.Image(os.fsdecode(copy)) as image:
            image.modify_xmp({XMP: subject})
            if keywords:
                image.modify_iptc({CHARSET: UTF8, IPTC: keywords})
        with open(copy, "rb") as file:
            os.fsync(file.fileno())
        os.replace(copy, path)
    except RuntimeError as error:
        raise _unsupported(str(error).partition("\n")[0][:100]) from None
    except OSError as error:
        raise _not_writable(error) from None
    finally:
        copy.unlink(missing_ok=True)


def _listed(said: object) -> list[str]:
    if said is None:
        return []
    return [str(one) for one in said] if isinstance(said, list) else [str(said)]


def _unsupported(what: str) -> Failure:
    return Failure(
        Kind.UNPROCESSABLE, "keywords-not-supported", f"keywords cannot be written into {what}",
        hint="into JPEG, PNG, WebP and TIFF they can",
    )  # fmt: skip


def _not_writable(error: OSError) -> Failure:
    return Failure(Kind.UNPROCESSABLE, "not-writable", f"the file cannot be written: {error.strerror}")

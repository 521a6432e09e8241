"""Tags as keywords in the file itself: XMP dc:subject and IPTC keywords, by Exiv2. No pixel is touched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transforms.failure import Failure, Kind

XMP, IPTC, CHARSET = "Xmp.dc.subject", "Iptc.Application2.Keywords", "Iptc.Envelope.CharacterSet"
UTF8 = "\x1b%G"
BYTES = "latin-1"  # the encoding in which a character is a byte
LONGEST = 64  # bytes of a keyword in IPTC
BOTH = frozenset({"image/jpeg", "image/tiff", "image/png"})  # that hold IPTC as well
WRITABLE = BOTH | {"image/webp"}
NEEDED = "keywords need pyexiv2: pip install -e '.[metadata]'"


def write(path: Path, words: Sequence[str], copy: Path | None) -> str:
    """Adds what is not there yet, and says `written`, `same`, or `would-write` where there is no `copy` to be made.

    The file is replaced in one step by a changed copy with the same owner, group, permissions and extended attributes,
    and a new modification time: backups and caches must see that it is another one. A file that has several names (hard
    links) would be another one under the rest of them, and is refused.
    Raises Failure `keywords-not-supported`, `not-writable`, `has-hard-links`, `owner-not-kept`.
    """
    import pyexiv2

    pyexiv2.set_log_level(4)
    try:
        with pyexiv2.Image(os.fsdecode(path)) as image:
            kind = image.get_mime_type()
            if kind not in WRITABLE:
                raise _unsupported(kind)
            xmp, (iptc, encoding) = _listed(image.read_xmp().get(XMP)), _keywords(image)
    except RuntimeError:
        raise _unsupported("this file") from None
    subject = [*xmp, *(word for word in words if word not in xmp)]
    short = [word for word in words if len(word.encode()) <= LONGEST and (encoding == "utf-8" or word.isascii())]
    keywords = [*iptc, *(word for word in short if word not in iptc)] if kind in BOTH else iptc
    if (subject, keywords) == (xmp, iptc):
        return "same"
    if (names := path.stat().st_nlink) > 1:
        raise _linked(names)
    if copy is None:
        return "would-write"
    _replace(path, copy, subject, keywords, encoding)
    return "written"


def _replace(path: Path, copy: Path, subject: list[str], keywords: list[str], encoding: str) -> None:
    import pyexiv2

    try:
        copy.touch(0o600, exist_ok=False)
    except OSError as error:
        raise _not_writable(error) from None
    try:
        shutil.copyfile(path, copy)
        with pyexiv2.Image(os.fsdecode(copy)) as image:
            image.modify_xmp({XMP: subject})
            if keywords:
                charset = {CHARSET: UTF8} if encoding == "utf-8" else {}
                image.modify_iptc({**charset, IPTC: keywords}, encoding)
        _owned_alike(path, copy)
        with open(copy, "rb") as file:
            os.fsync(file.fileno())
        os.replace(copy, path)
    except RuntimeError as error:
        raise _unsupported(str(error).partition("\n")[0][:100]) from None
    except OSError as error:
        raise _not_writable(error) from None
    finally:
        copy.unlink(missing_ok=True)


def _keywords(image: Any) -> tuple[list[str], str]:
    """Those in IPTC, and how they are encoded.

    Older programs write IPTC in an 8-bit encoding of their system. What is not UTF-8 is read byte by byte, and written
    back so: whichever it is, nothing of it changes, and words in ASCII may be added.
    """
    try:
        return _listed(image.read_iptc().get(IPTC)), "utf-8"
    except UnicodeDecodeError:
        return _listed(image.read_iptc(encoding=BYTES).get(IPTC)), BYTES


def _owned_alike(path: Path, copy: Path) -> None:
    old, new = path.stat(), copy.stat()
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        try:
            os.chown(copy, old.st_uid, old.st_gid)
        except PermissionError:
            raise Failure(
                Kind.UNPROCESSABLE, "owner-not-kept", "the file would be another user's or group's afterwards",
                hint="write keywords as the user whose it is, or as root",
            ) from None  # fmt: skip
    shutil.copystat(path, copy)  # after chown, which takes bits away
    os.utime(copy)


def _linked(names: int) -> Failure:
    return Failure(
        Kind.UNPROCESSABLE, "has-hard-links", f"the file has {names} names (hard links), of which one would be changed",
        hint="write keywords into a copy of it",
    )  # fmt: skip


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

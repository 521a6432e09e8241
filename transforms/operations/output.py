"""How the result leaves: format and quality, and what goes with the pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from ..amounts import ByteCount
from ..failure import bad_argument
from ..instead import PLACEHOLDERS, Components, Instead
from ..output import OUTPUT_FORMATS, Chroma, Compression, Inks, Level, Output, Progressive
from ..params import Choice, Int, IntOr
from ..registry import operation
from ..words import Grid

_Format = Choice(
    (*OUTPUT_FORMATS, "auto", *PLACEHOLDERS, "explain"), aliases=(("jpg", "jpeg"), ("jpe", "jpeg"), ("tif", "tiff"))
)

_Quality = IntOr(Int(1, 100), ("auto", "auto:best", "auto:eco", "auto:low"), aliases=(("auto:good", "auto"),))


@operation("format", example="format:webp", scaling="commutes")
def format_(
    output: Output,
    type: Annotated[Any, _Format],  # noqa: A002 - the name in URLs
    components: Annotated[Components | None, Grid(9)] = None,
    data: bool = False,
    json: bool = False,
) -> Output:
    """Choose the format of the result.

    `auto` takes the best that the client accepts: AVIF, WebP, or the family of the source. Without this step JPEG, PNG,
    WebP, GIF and AVIF keep their format; others become JPEG, or PNG where something is transparent. BMP, TIFF, icons
    (`ico`, at most 256 pixels a side) and JPEG 2000 (`jp2`) are written only where they are named.

    Three are placeholders of the picture, to be shown until it is there. `blurhash` is the BlurHash as plain text, with
    `components` along its width and height (4x3, or 3x4 upright); what is transparent is white in it, or what
    `background` says. `thumbhash` is the ThumbHash in Base64 as plain text, with transparency. `lqip` is the picture
    itself as a WebP of at most 32 pixels a side and 400 bytes; with `data` it is a data URI, as plain text.

    `explain` is a drawing of what was done and why, always a JPEG: the source with what was found in it and the part
    that was chosen, and below it each step, what was passed over, and the time of each stage; with `json` the same as
    JSON. What would be sent is what the other steps say, an earlier `format` included. Faces that a step hides are
    hidden in it too.
    """
    if type in OUTPUT_FORMATS or type == "auto":
        _check_extras("a picture", components=components, data=data, json=json)
        return replace(output, format=type, instead=None)
    takes = {"blurhash": "components", "lqip": "data", "explain": "json"}.get(type)
    given = {"components": components, "data": data, "json": json}
    _check_extras(type, **{name: value for name, value in given.items() if name != takes})
    return replace(output, instead=Instead(type, components, data, json))


def _check_extras(what: str, **given: object) -> None:
    belongs = {"components": "blurhash", "data": "lqip", "json": "explain"}
    for name, value in given.items():
        if value:
            raise bad_argument(
                f"{name} means nothing for {what}", hint=f"it belongs to format:{belongs[name]}", argument=name
            )  # fmt: skip


@operation("quality", example="quality:75", scaling="commutes")
def quality(output: Output, value: Annotated[int | str, _Quality], chroma: Chroma | None = None) -> Output:
    """Choose the quality of lossy formats, from 1 to 100, or let it be measured with `auto`.

    `auto` takes the lowest quality at which the picture still looks good, picture by picture: at four levels,
    `auto:best`, `auto` (which is `auto:good`), `auto:eco` and `auto:low`. A client that sends `Save-Data: on` gets the
    level below. It is measured for JPEG, WebP and AVIF; others take 90, 80, 70 or 60, and `lossy` as many colours as
    for 100, 50, 33 or 20. Without this step each format has a fixed quality.

    `chroma` is how finely colours are kept beside brightness in JPEG and AVIF: `444` in full, `422` at half the width,
    `420` at half of both sides. WebP has only the last, the other formats keep colours in full. Without it, JPEGs of
    quality 90 and more keep them in full.
    """
    if isinstance(value, int):
        return replace(output, quality=value, level=None, chroma=chroma)
    levels: dict[str, Level] = {"auto": "good", "auto:best": "best", "auto:eco": "eco", "auto:low": "low"}
    return replace(output, quality=None, level=levels[value], chroma=chroma)


@operation("max-bytes", example="max-bytes:50kB", scaling="commutes")
def max_bytes(output: Output, most: Annotated[int, ByteCount(100, 50_000_000)]) -> Output:
    """Keep the file within so many bytes, by the highest quality that fits; never above that of `quality`.

    A number, or one with `kB`, `MB`, `KiB` or `MiB`. PNG and GIF lose colours where they do not fit without. The size
    of the picture stays: where even the lowest quality has more bytes, or the format has no quality (BMP, TIFF, icons),
    it is a 422 `cannot-fit`.
    """
    return replace(output, max_bytes=most)


@operation("progressive", example="progressive:none", scaling="commutes")
def progressive(output: Output, how: Progressive = "semi") -> Output:
    """Say how a JPEG loads: `none` from top to bottom, `semi` and `steep` in passes, of which there is one usual set.

    Without this step JPEGs load in passes from 0.1 megapixels. Other formats have no passes.
    """
    return replace(output, progressive=how)


@operation("still", example="still", scaling="commutes")
def still(output: Output) -> Output:
    """Keep only the first frame of an animation, also in formats that move."""
    return replace(output, still=True)


@operation("animated", example="animated", scaling="commutes")
def animated(output: Output) -> Output:
    """Keep animations moving where the format can, as is done without this step too; it takes back a `still`."""
    return replace(output, still=False)


@operation("delay", example="delay:200", scaling="commutes")
def delay(output: Output, milliseconds: Annotated[int, Int(10, 60_000, "ms")]) -> Output:
    """Show every frame of an animation for this long. GIF counts in steps of 10 ms, and at least 20."""
    return replace(output, delay_ms=milliseconds)


@operation("colorspace", example="colorspace:cmyk", scaling="commutes")
def colorspace(output: Output, space: Literal["srgb", "tinysrgb", "no_cmyk", "cmyk", "keep_cmyk", "copy"]) -> Output:
    """Choose the colours that the result is written in. Pixels are sRGB at every step, whatever the source is in.

    `srgb`, `tinysrgb` and `no_cmyk` are what is done without this step too: sRGB, and no profile. `cmyk` writes inks,
    as JPEG or TIFF; `keep_cmyk` does where the source has inks, in those of its profile, which is embedded. `copy`
    goes back to the colours of the source's profile, inks included, and embeds it (JPEG, PNG, WebP, AVIF, TIFF). Where
    the source has no profile that can be written, `copy` is sRGB, and so is a picture in colour of a gray source.
    Where no format is named, inks are written as JPEG. A named one that cannot hold inks, or a profile, is a 422
    `colorspace-not-in-format`.
    """
    written: dict[str, Inks] = {"cmyk": "cmyk", "keep_cmyk": "keep_cmyk", "copy": "copy"}
    return replace(output, colorspace=written.get(space))


@operation("profile", example="profile:embed", scaling="commutes")
def profile(output: Output, how: Literal["embed", "none"] = "embed") -> Output:
    """Embed an sRGB profile (0.6 kB), for programs that guess without one; JPEG, PNG, WebP, AVIF and TIFF.

    The others mean sRGB anyway. Where `colorspace` embeds the source's profile, that one stays.
    """
    return replace(output, profile=how == "embed")


@operation("png", example="png:8", scaling="commutes")
def png(output: Output, bits: Literal["8", "24", "32"]) -> Output:
    """Choose the bits of a pixel where the result is a PNG; nothing changes in other formats.

    `8` is a palette of at most 256 colours, which photographs lose by; `24` has no transparency, `32` has it in any
    case. Without this step nothing is lost, and a palette is used where 256 colours are enough. The frames of an
    animation have 256 colours each with `8`, but no palette.
    """
    values: dict[str, Literal[8, 24, 32]] = {"8": 8, "24": 24, "32": 32}
    return replace(output, png=values[bits])


@operation("lossy", example="lossy", scaling="commutes")
def lossy(output: Output) -> Output:
    """Save bytes where the result is a GIF or a PNG: fewer colours, and no dithering.

    `quality` says how many: 256 at 100, and 128 where it is not given. Other formats are lossy anyway.
    """
    return replace(output, lossy=True)


@operation("compression", example="compression:deflate", scaling="commutes")
def compression(output: Output, how: Compression) -> Output:
    """Choose how a TIFF is compressed, in each case without loss; `lzw` without this step."""
    return replace(output, compression=how)


@operation("metadata", example="metadata:attribution", scaling="commutes")
def metadata(output: Output, which: Literal["keep", "attribution", "strip"]) -> Output:
    """Carry over what the source says about itself, to JPEG, PNG, WebP, AVIF and TIFF; without this step nothing is.

    `keep` is EXIF (in TIFF only description, camera, date and author), XMP and, in JPEG and TIFF, IPTC; but never a
    position, a thumbnail of the uncut picture, or what cameras note for themselves. `attribution` is only author,
    copyright and credit. GIF, BMP, ICO and JPEG 2000 hold none. EXIF or XMP of more than 60 kB is left behind, as JPEG
    cannot hold it.
    """
    kept: dict[str, Literal["keep", "attribution"] | None] = {
        "keep": "keep", "attribution": "attribution", "strip": None,
    }  # fmt: skip
    return replace(output, metadata=kept[which])

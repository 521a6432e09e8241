"""The colours that a result is written in: sRGB, inks, or those of the source's profile."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
import pytest
from PIL import ImageCms

from tests import pictures
from transforms import colour
from transforms.carried import Carried, carried
from transforms.decode import Decode, decode
from transforms.encode import encode
from transforms.failure import Failure, Kind
from transforms.image import Image
from transforms.limits import Limits
from transforms.output import OUTPUT_FORMATS, TRAITS, Client, Encoded, Output, OutputFormat
from transforms.probe import Source

from .encoded import body, difference, opened, read

PHOTO = pictures.photo(90, 60)


def written(data: bytes, output: Output) -> Encoded:
    """The picture of a file, encoded with what the file says."""
    source = Source(data, Limits())
    return encode(decode(source, Decode()).image, output, source.probe, Client(), carried(source, output))


@pytest.mark.parametrize("format", ["jpeg", "tiff"])
def test_inks_are_written_and_read_back(format: OutputFormat) -> None:  # noqa: A002
    data = body(pictures.image(PHOTO), format, 100, colorspace="cmyk")
    assert opened(data).mode == "CMYK"
    assert difference(PHOTO, read(data).frames[0].pixels) < 1.5


def test_black_is_taken_out_of_the_other_inks() -> None:
    gray = np.array([[[0, 0, 0], [90, 90, 90], [255, 255, 255], [0, 0, 255]]], np.uint8)
    inks = np.asarray(colour.to_inks(gray, None))[0]
    assert inks.tolist() == [[0, 0, 0, 255], [0, 0, 0, 165], [0, 0, 0, 0], [0, 255, 255, 0]]


@pytest.mark.parametrize("format", [name for name, traits in TRAITS.items() if not traits.inks])
def test_a_format_that_has_no_inks(format: OutputFormat) -> None:  # noqa: A002
    with pytest.raises(Failure) as caught:
        body(pictures.image(PHOTO), format, colorspace="cmyk")
    assert (caught.value.kind, caught.value.code) == (Kind.UNPROCESSABLE, "colorspace-not-in-format")
    assert caught.value.details == {"format": format, "formats": ["jpeg", "tiff"]}


@pytest.mark.parametrize("format", [None, "auto"])
def test_inks_are_a_jpeg_where_no_format_is_named(format: Any) -> None:  # noqa: A002
    result = encode(pictures.image(PHOTO), Output(format, colorspace="cmyk"), None, Client(frozenset({"webp"})))
    assert result.format == "jpeg"


def test_what_is_clear_shows_the_background_in_inks() -> None:
    clear = pictures.image(np.zeros((8, 8, 4), np.uint8))
    shown = read(body(clear, "tiff", colorspace="cmyk", background=(200, 100, 50))).frames[0].pixels
    assert np.abs(shown[4, 4].astype(int) - (50, 100, 200)).max() <= 2


def test_inks_of_the_source_are_kept_where_it_has_them() -> None:
    inks = pictures.file(pictures.pillow(PHOTO).convert("CMYK"), "JPEG", quality=95)
    assert opened(written(inks, Output(colorspace="keep_cmyk")).body).mode == "CMYK"
    assert opened(written(inks, Output()).body).mode == "RGB"
    assert opened(written(inks, Output(colorspace="copy")).body).mode == "RGB"  # it has no profile
    plain = pictures.file(PHOTO, "PNG")
    assert written(plain, Output(colorspace="keep_cmyk")).format == "png"


@cache
def wide() -> bytes:
    """A profile in which sRGB's green lies elsewhere: channels in another order."""
    return pictures.profile("GBR", name="made for a test")


@pytest.mark.parametrize("format", [name for name, traits in TRAITS.items() if traits.profile])
def test_a_copy_has_the_source_s_profile_and_its_colours(format: OutputFormat) -> None:  # noqa: A002
    stored = pictures.file(PHOTO, "PNG", icc_profile=wide())
    result = opened(written(stored, Output(format, 95, colorspace="copy")).body)
    assert result.info["icc_profile"] == wide()
    numbers = pictures.pixels(result.convert("RGB"))
    assert difference(PHOTO, numbers) < 6  # the numbers of the file, not those of sRGB
    assert difference(PHOTO, decode(Source(stored, Limits()), Decode()).image.frames[0].pixels) > 20


def test_a_copy_keeps_its_transparency() -> None:
    stored = pictures.file(pictures.gradient(64, 48, 4), "PNG", icc_profile=wide())
    result = opened(written(stored, Output(colorspace="copy")).body)
    assert np.array_equal(np.asarray(result)[:, :, 3], pictures.gradient(64, 48, 4)[:, :, 3])


@pytest.mark.parametrize("format", [name for name, traits in TRAITS.items() if not traits.profile])
def test_a_format_without_profiles_has_no_copy(format: OutputFormat) -> None:  # noqa: A002
    stored = pictures.file(PHOTO, "PNG", icc_profile=wide())
    with pytest.raises(Failure, match="profile") as caught:
        written(stored, Output(format, colorspace="copy"))
    assert caught.value.code == "colorspace-not-in-format"
    assert written(pictures.file(PHOTO, "PNG"), Output(format, colorspace="copy")).format == format


def test_gray_of_a_gray_profile() -> None:
    profile = pictures.profile(gamma=1.0, space="GRAY")
    gray = pictures.gradient(64, 48, 1)
    result = opened(written(pictures.file(gray, "PNG", icc_profile=profile), Output("png", colorspace="copy")).body)
    assert result.info["icc_profile"] == profile
    assert np.abs(np.asarray(result).astype(int) - gray[:, :, 0]).mean() < 4
    coloured = body(pictures.image(PHOTO), "png", colorspace="copy", carried=Carried(profile))
    assert "icc_profile" not in opened(coloured).info


@pytest.mark.parametrize("profile", [b"", b"junk", pictures.profile()[:200]])
def test_a_profile_that_cannot_be_written_is_left_out(profile: bytes) -> None:
    data = body(pictures.image(PHOTO), "jpeg", colorspace="copy", carried=Carried(profile))
    assert "icc_profile" not in opened(data).info


@pytest.mark.parametrize("format", OUTPUT_FORMATS)
def test_srgb_is_named_where_asked(format: OutputFormat) -> None:  # noqa: A002
    for image in (pictures.image(PHOTO), pictures.image(pictures.checks()), pictures.image(pictures.gradient(9, 9, 4))):
        _check_named(image, format)


def _check_named(image: Image, format: OutputFormat) -> None:  # noqa: A002
    data = body(image, format, profile=True)
    profile = opened(data).info.get("icc_profile")
    assert (profile is not None) == TRAITS[format].profile
    if profile:
        assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
        assert data == body(image, format, profile=True)
        assert opened(data).mode in ("RGB", "RGBA", "P")
        assert difference(read(body(image, format)).frames[0].pixels, read(data).frames[0].pixels) < 3


@cache
def inks() -> bytes:
    return pictures.ink_profile()


def printed(format: str) -> bytes:  # noqa: A002
    """A photograph in inks, in a file that says which they are."""
    picture = colour.to_inks(pictures.photo(90, 60), inks())
    return pictures.file(picture, format, icc_profile=inks(), **({"quality": 98} if format == "JPEG" else {}))


@pytest.mark.parametrize("container", ["JPEG", "TIFF"])
@pytest.mark.parametrize("format", ["jpeg", "tiff"])
@pytest.mark.parametrize("colorspace", ["keep_cmyk", "copy"])
def test_inks_go_back_through_their_profile(colorspace: Any, format: OutputFormat, container: str) -> None:  # noqa: A002
    data = printed(container)
    result = written(data, Output(format, 98, colorspace=colorspace)).body
    shown = opened(result)
    assert (shown.mode, shown.info["icc_profile"]) == ("CMYK", inks())
    assert np.abs(np.asarray(shown).astype(int) - np.asarray(opened(data))).mean() < 6
    assert difference(read(data).frames[0].pixels, read(result).frames[0].pixels) < 3


def test_a_profile_of_inks_makes_a_difference() -> None:
    plain, by_profile = (np.asarray(colour.to_inks(PHOTO, profile)).astype(int) for profile in (None, inks()))
    assert np.abs(plain - by_profile).mean() > 2
    assert colour.writable_space(inks()) == "CMYK"
    assert difference(PHOTO, read(printed("TIFF")).frames[0].pixels) < 12


def test_inks_without_their_profile_are_not_named_by_it() -> None:
    result = opened(written(printed("TIFF"), Output("tiff", colorspace="cmyk")).body)
    assert (result.mode, "icc_profile" in result.info) == ("CMYK", False)


@pytest.mark.parametrize("format", ["png", "webp"])
@pytest.mark.parametrize("colorspace", ["keep_cmyk", "copy"])
def test_inks_of_the_source_in_a_format_without(colorspace: Any, format: OutputFormat) -> None:  # noqa: A002
    with pytest.raises(Failure) as caught:
        written(printed("JPEG"), Output(format, colorspace=colorspace))
    assert caught.value.code == "colorspace-not-in-format"
    assert written(printed("JPEG"), Output(colorspace=colorspace)).format == "jpeg"

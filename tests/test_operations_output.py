"""Steps that touch no pixel: how the result is written and sent."""

from __future__ import annotations

import pytest

from transforms.failure import Failure
from transforms.output import OUTPUT_FORMATS, Output
from transforms.pipeline import Pipeline, Step

from .steps import outcome


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("format:webp", Output(format="webp")), ("format:jpg", Output(format="jpeg")),
        ("format:jpeg", Output(format="jpeg")),
        ("format:auto", Output(format="auto")), ("format:type=png", Output(format="png")),
        ("format:jpe", Output(format="jpeg")), ("format:tif", Output(format="tiff")),
        ("format:jp2", Output(format="jp2")),
        ("format:ico", Output(format="ico")), ("format:bmp", Output(format="bmp")),
        ("quality:80,chroma=444", Output(quality=80, chroma="444")),
        ("quality:auto,chroma=420", Output(level="good", chroma="420")),
        ("progressive", Output(progressive="semi")), ("progressive:none", Output(progressive="none")),
        ("progressive:steep", Output(progressive="steep")), ("still", Output(still=True)), ("animated", Output()),
        ("delay:200", Output(delay_ms=200)), ("colorspace:cmyk", Output(colorspace="cmyk")),
        ("colorspace:keep_cmyk", Output(colorspace="keep_cmyk")), ("colorspace:copy", Output(colorspace="copy")),
        ("colorspace:srgb", Output()), ("colorspace:tinysrgb", Output()), ("colorspace:no_cmyk", Output()),
        ("profile", Output(profile=True)), ("profile:none", Output()), ("png:8", Output(png=8)),
        ("png:32", Output(png=32)),
        ("lossy", Output(lossy=True)), ("compression:none", Output(compression="none")),
        ("metadata:keep", Output(metadata="keep")), ("metadata:strip", Output()),
        ("metadata:attribution", Output(metadata="attribution")), ("immutable", Output(immutable=True)),
        ("download", Output(download="")), ("download:a b.jpg", Output(download="a b.jpg")),
        ("download:50%25%2C %3D.png", Output(download="50%, =.png")),
        ("download:100%.png", Output(download="100%.png")),
        ("fallback:none.png", Output(fallback="none.png")), ("fallback:a:b c:d.png", Output(fallback="a/b c/d.png")),
        ("fallback:a%3Ab%2Cc", Output(fallback="a:b,c")),
        ("quality:1", Output(quality=1)), ("quality:100", Output(quality=100)), ("quality:auto", Output(level="good")),
        ("quality:auto:best", Output(level="best")), ("quality:auto:good", Output(level="good")),
        ("quality:auto:eco", Output(level="eco")), ("quality:auto:low", Output(level="low")),
        ("max-bytes:50kB", Output(max_bytes=50_000)), ("max-bytes:1.5MB", Output(max_bytes=1_500_000)),
        ("max-bytes:64KiB", Output(max_bytes=65_536)), ("max-bytes:100", Output(max_bytes=100)),
    ],
)  # fmt: skip
def test_what_they_say(text: str, expected: Output) -> None:
    assert outcome(text, Output()) == expected


def test_the_last_one_wins_and_others_stay() -> None:
    output = outcome("quality:60", outcome("format:gif", outcome("format:webp", Output(background=(1, 2, 3)))))
    assert output == Output(format="gif", quality=60, background=(1, 2, 3))
    assert outcome("quality:auto", output) == Output(format="gif", level="good", background=(1, 2, 3))
    assert outcome("quality:50", outcome("quality:auto", Output())) == Output(quality=50)


def test_one_spelling_is_canonical() -> None:
    assert str(Step.parse("format:jpg")) == str(Step.parse("format:type=jpeg")) == "format:jpeg"
    assert str(Step.parse("quality:auto:good")) == "quality:auto"
    assert str(Step.parse("max-bytes:50kB")) == str(Step.parse("max-bytes:50k")) == "max-bytes:50000"


def test_a_format_that_is_not_written() -> None:
    with pytest.raises(Failure) as caught:
        Step.parse("format:heic")
    assert "jpeg" in caught.value.message
    assert {*OUTPUT_FORMATS, "auto"} < set(caught.value.details["choices"])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("still", "animated", Output()), ("profile", "profile:none", Output()),
        ("metadata:keep", "metadata:strip", Output()), ("colorspace:cmyk", "colorspace:srgb", Output()),
        ("quality:80,chroma=444", "quality:70", Output(quality=70)),
        ("download:a.jpg", "download", Output(download="")),
    ],
)  # fmt: skip
def test_a_later_step_takes_back_an_earlier_one(before: str, after: str, expected: Output) -> None:
    first = outcome(before, Output())
    assert first != Output()
    assert outcome(after, first) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a,b.jpg", "download:a%2Cb.jpg"), ("a=b", "download:a%3Db"), ("100%", "download:100%25"),
        ("é 東京.png", "download:é 東京.png"),
    ],
)  # fmt: skip
def test_names_are_written_so_that_a_pipeline_reads_them_back(name: str, text: str) -> None:
    step = Step.of("download", name=name)
    assert str(step) == text
    assert Pipeline.parse(f"flip/{step}/still").steps[1] == step

"""Layers in the text of a pipeline: blocks in blocks, what may stand in them, what they name."""

from __future__ import annotations

import pytest

from transforms.check import check
from transforms.failure import Failure
from transforms.image import Found, Probe, Size
from transforms.layers import MAX_LAYER_DEPTH, MAX_LAYERS
from transforms.output import Client
from transforms.picture import Picture
from transforms.pipeline import Pipeline
from transforms.resolve import Below, resolve

PROBE = Probe("jpeg", Size(400, 300), 1, animated=False, has_alpha=False, icc=None, orientation=1, bytes=1)


def resolved(pipeline: Pipeline, below: Below | None = None) -> Pipeline:
    return resolve(pipeline, PROBE, Client(), lambda _: Found(), below)[0]


@pytest.mark.parametrize(
    "text",
    [
        "overlay:logo.png/end",
        "overlay:logo.png,gravity=south_east,x=10/grayscale/resize:100x/end/blur:2",
        "overlay/overlay:a.png/blur:2/end/end",
        "underlay:a.png/if:w>100/grayscale/else/blur:2/end/end",
        "if:w>100/overlay:a.png/grayscale/end/else/blur:2/end",
        "let:logo='a.png'/overlay:($logo)/end",
        "overlay:a.png/preset:small/let:half=w:2/resize:($half)x/end",
    ],
)
def test_a_layer_is_a_block(text: str) -> None:
    pipeline = Pipeline.parse(text)
    assert str(pipeline) == text
    assert Pipeline.parse(str(pipeline)) == pipeline
    assert "/".join(pipeline.written) == text
    assert "end" not in [str(node) for node in pipeline.nodes if "if:" not in text]


def test_its_steps_are_its_own() -> None:
    pipeline = Pipeline.parse("grayscale/overlay:a.png/blur:2/overlay:b.png/sharpen/end/end/border:1")
    assert [step.operation.name for step in pipeline.steps] == ["grayscale", "overlay", "border"]
    assert [str(layer) for layer in pipeline.layers] == ["blur:2/overlay:b.png/sharpen/end"]
    names = [str(node).partition(":")[0] for node in pipeline.everywhere]
    assert names == ["grayscale", "overlay", "blur", "overlay", "sharpen", "border"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("overlay:a.png", "unclosed-layer"),
        ("overlay:a.png/overlay:b.png/end", "unclosed-layer"),
        ("overlay:a.png/if:w>1/end", "unclosed-layer"),
        ("overlay:a.png/else/end", "stray-condition"),
        ("if:w>1/overlay:a.png/else/end/end", "stray-condition"),
        ("overlay:a.png/end/end", "stray-condition"),
        ("overlay:a.png/format:webp/end", "step-in-layer"),
        ("overlay:a.png/auto-tag/end", "step-in-layer"),
        ("/".join(["overlay:a.png"] * (MAX_LAYER_DEPTH + 1) + ["end"] * (MAX_LAYER_DEPTH + 1)), "layers-too-deep"),
        ("/".join(["overlay:a.png"] * 5000), "layers-too-deep"),
        ("/".join(["overlay:a.png/end"] * (MAX_LAYERS + 1)), "too-many-layers"),
        ("/".join(["overlay:a.png", *["blur:1"] * 64, "end"]), "too-many-steps"),
    ],
)
def test_what_is_no_block_is_refused(text: str, code: str) -> None:
    with pytest.raises(Failure) as caught:
        Pipeline.parse(text)
    assert caught.value.code == code


def test_as_many_layers_as_allowed_are() -> None:
    deep = "/".join(["overlay:a.png"] * MAX_LAYER_DEPTH + ["end"] * MAX_LAYER_DEPTH)
    assert str(Pipeline.parse(deep)) == deep
    Pipeline.parse("/".join(["overlay:a.png/end"] * MAX_LAYERS))


def test_all_pictures_are_known_beforehand() -> None:
    pipeline = Pipeline.parse(
        "let:l='marks:a.png'/if:faces>0/let:l='b.png'/end/overlay:($l)/underlay:id:c/end/end"
        "/if:w>9/overlay:id:c/end/end/overlay:id:($m)/end/let:m='d'/overlay/end"
    )
    assert pipeline.pictures == (
        Picture("file", "marks/a.png"), Picture("file", "b.png"), Picture("id", "c"), Picture("id", "d")
    )  # fmt: skip


def test_what_its_detectors_find_is_part_of_what_it_needs() -> None:
    pipeline = Pipeline.parse("overlay:a.png/face-crop:50x50/end/overlay:b.png/if:faces>1/blur:1/end/end")
    assert pipeline.needs == {"largest-face", "faces"}
    assert Pipeline.parse("overlay:a.png,gravity=cat/end").needs == {"objects"}


def test_variables_reach_into_a_layer() -> None:
    pipeline = Pipeline.parse("let:side=w:4/overlay:a.png/resize:($side)x/end")
    inner = resolved(pipeline).steps[0].inner
    assert inner is not None
    assert str(resolved(inner)) == "resize:100x"


def test_a_layer_reckons_with_what_lies_below() -> None:
    inner = Pipeline.parse("resize:(bw:2)x(rh),fit=fill")
    assert str(resolved(inner, Below(Size(1000, 500), Size(80, 60)))) == "resize:500x60,fit=fill"
    assert str(resolved(Pipeline.parse("resize:(bh)x"), Below(Size(7, 5), Size(3, 2)))) == "resize:5x"
    assert str(resolved(Pipeline.parse("resize:(rw)x"), Below(Size(7, 5), Size(3, 2)))) == "resize:3x"


@pytest.mark.parametrize("name", ["bw", "bh", "rw", "rh"])
def test_outside_of_a_layer_nothing_lies_below(name: str) -> None:
    with pytest.raises(Failure, match="inside of a layer") as caught:
        check(Pipeline.parse(f"resize:({name})x"))
    assert caught.value.code == "bad-expression"
    check(Pipeline.parse(f"overlay:a.png/resize:({name})x/end"))
    with pytest.raises(Failure, match="inside of a layer"):
        resolved(Pipeline.parse(f"if:{name}>1/blur:1/end"))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("overlay:a.png/resize:($half)x/end", "undefined-variable"),
        ("let:half=99999/overlay:a.png/resize:($half)x/end", "bad-argument"),
        ("let:n=5/overlay:($n)/end", "bad-argument"),
    ],
)
def test_what_is_wrong_in_a_layer_is_said_first(text: str, code: str) -> None:
    with pytest.raises(Failure) as caught:
        check(Pipeline.parse(text))
    assert caught.value.code == code


def test_what_a_layer_assigns_stays_in_it() -> None:
    with pytest.raises(Failure) as caught:
        check(Pipeline.parse("overlay:a.png/let:n=5/end/resize:($n)x"))
    assert caught.value.code == "undefined-variable"

"""From conditions, variables and expressions to plain steps: sizes are followed, and what decides is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from transforms.failure import Failure, Kind
from transforms.image import Box, Found, Missing, Probe, Region, Size, Tag
from transforms.output import Client
from transforms.pipeline import Pipeline
from transforms.resolve import resolve
from transforms.vocabulary import NOTHING, Named, Vocabulary, install

from .steps import face, thing

LANDSCAPE = Probe("jpeg", Size(1600, 1200), 1, animated=False, has_alpha=False, icc=None, orientation=1, bytes=12345)
PORTRAIT = Probe("gif", Size(600, 900), 7, animated=True, has_alpha=False, icc=None, orientation=1, bytes=12345)

SEEN = Found(
    regions=(
        Region("face", 0.9, Box(0.1, 0.1, 0.2, 0.2), (), "faces"),
        Region("face", 0.8, Box(0.5, 0.1, 0.2, 0.2), (), "faces"),
        Region("dog", 0.8, Box(0.1, 0.5, 0.3, 0.4), (), "objects"),
        Region("traffic light", 0.8, Box(0.1, 0.5, 0.3, 0.4), (), "objects"),
        Region("cat", 0.05, Box(0.1, 0.5, 0.3, 0.4), (), "objects", sure=False),
    ),
    tags=(Tag("beach", 0.9, "scenes"), Tag("female-breast-exposed", 0.7, "moderation")),
)
EVERYTHING = {"faces", "objects", "colors", "traits", "codes"}
SILENT = Found(missing=(Missing("faces", "", "no answer"), Missing("objects", "", "no answer")))


@dataclass
class Asking:
    """Answers every question with the same findings, and remembers what was asked."""

    found: Found = field(default_factory=lambda: SEEN)
    kinds: list[set[str]] = field(default_factory=list)

    def __call__(self, kinds: frozenset[str]) -> Found:
        self.kinds.append(set(kinds))
        return self.found


def never(kinds: frozenset[str]) -> Found:
    raise AssertionError(f"{kinds} should not be asked for")


def resolved(
    text: str, probe: Probe = LANDSCAPE, client: Client | None = None, ask: Callable[[frozenset[str]], Found] = never
) -> str:
    pipeline, _ = resolve(Pipeline.parse(text), probe, client or Client(), ask)
    return str(pipeline)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("resize:400x/blur:3", "resize:400x/blur:3"),
        ("resize:(iw:2)x", "resize:800x"),
        ("resize:(iw:3)x", "resize:533x"),
        ("resize:(w-20)x(h-20)", "resize:1580x1180"),
        ("resize:400x/resize:(w:2)x", "resize:400x/resize:200x"),
        ("resize:400x/resize:(iw:2)x", "resize:400x/resize:800x"),
        ("rotate:90/resize:(w)x(h)", "rotate:90/resize:1200x1600"),
        ("crop:300x200/border:10/resize:(w)x", "crop:300x200/border:10/resize:320x"),
        ("quality:80/resize:(w:2)x", "quality:80/resize:800x"),
        ("resize:100x,ratio=(iw:ih),fit=cover", "resize:100x,fit=cover,ratio=4:3"),
        ("crop:9x9,x=(iw:4),y=(0-3)", "crop:9x9,x=400,y=-3"),
        ("round:(w:100):(h:100)", "round:16:12"),
        ("blur:(w:100)", "blur:16"),
        ("rotate:(0-90 mod 360)", "rotate:-90"),
        ("quality:(100-20)", "quality:80"),
        ("background:('red')", "background:ff0000"),
        # of numbers alone a decimal point makes a fraction; of sides it makes pixels
        ("resize:(0.5)x", "resize:0.5x"),
        ("resize:(0.25*2.0)x", "resize:0.5x"),
        ("let:w=200/resize:($w*1.5)x", "resize:300x"),
        ("resize:(w*0.5)x", "resize:800x"),
        ("resize:(int(w*0.333))x", "resize:532x"),
        ("resize:(float(w:iw))x,enlarge", "resize:1.0x,enlarge=true"),
        ("resize:(1.0)x,enlarge", "resize:1.0x,enlarge=true"),
        ("resize:(1)x", "resize:1x"),
    ],
)
def test_expressions_are_worked_out_where_they_stand(text: str, plain: str) -> None:
    assert resolved(text) == plain


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("let:a=40/resize:($a)x", "resize:40x"),
        ("let:a=w:4/resize:($a)x/blur:($a:100)", "resize:400x/blur:4"),
        ("let:a=1/let:a=2/resize:($a)x", "resize:2x"),
        ("let:a=10/let:b=$a*2/resize:($a)x($b)", "resize:10x20"),
        ("let:c='red'/background:($c)", "background:ff0000"),
        ("let:a=w/resize:400x/let:b=w/crop:($b)x($a:16)", "resize:400x/crop:400x100"),
        ("let:a=0.5/resize:($a)x", "resize:0.5x"),
        ("let:a=1/if:w>1/let:a=2/end/resize:($a)x", "resize:2x"),
        ("let:a=1/if:w<1/let:a=2/end/resize:($a)x", "resize:1x"),
    ],
)
def test_variables_hold_from_where_they_are_given(text: str, plain: str) -> None:
    assert resolved(text) == plain


@pytest.mark.parametrize(
    ("text", "landscape", "portrait"),
    [
        ("if:ar>1/rotate:90/end", "rotate:90", ""),
        ("if:w>h/resize:9x/else/resize:x9/end", "resize:9x", "resize:x9"),
        ("if:w>h/if:w>1000/blur:1/else/blur:2/end/else/blur:3/end/grayscale", "blur:1/grayscale", "blur:3/grayscale"),
        ("if:w<h/if:w>1000/blur:1/else/blur:2/end/else/blur:3/end/grayscale", "blur:3/grayscale", "blur:2/grayscale"),
        ("if:w<h/if:h>9/else/blur:1/end/blur:2/else/blur:3/end", "blur:3", "blur:2"),
        ("if:iar=4:3/blur:1/end", "blur:1", ""),
        ("if:pages>1/format:gif/end", "", "format:gif"),
        ("if:w>h/end/blur:1", "blur:1", "blur:1"),
        ("if:w>h/resize:9x/end/if:w>9/blur:1/end", "resize:9x", "blur:1"),
        ("if:w<1/resize:(1:0)x/end/blur:1", "blur:1", "blur:1"),
        ("if:w<1/cloudinary:e_sepia/end/blur:1", "blur:1", "blur:1"),
        ("if:w<1/resize:($nowhere)x/else/blur:1/end", "blur:1", "blur:1"),
    ],
)
def test_only_the_branch_that_is_taken_counts(text: str, landscape: str, portrait: str) -> None:
    assert resolved(text, LANDSCAPE) == landscape
    assert resolved(text, PORTRAIT) == portrait


@pytest.mark.parametrize(
    ("text", "plain", "kinds"),
    [
        ("if:faces>1/blur:1/end", "blur:1", [{"faces"}]),
        ("if:faces>2/blur:1/else/blur:2/end", "blur:2", [{"faces"}]),
        ("resize:(faces*100)x", "resize:200x", [{"faces"}]),
        ("if:tags~dog/blur:1/end", "blur:1", [{"objects"}]),
        ("if:tag(dog)/blur:1/end", "blur:1", [{"objects"}]),
        ("if:!tag(dog)/blur:1/else/blur:2/end", "blur:2", [{"objects"}]),
        ("if:tags~dog:person/blur:1/end", "blur:1", [{"faces", "objects"}]),
        ("if:tag(human)/blur:1/end", "blur:1", [{"faces", "objects"}]),
        ("if:tag(face)/blur:1/end", "blur:1", [{"faces"}]),
        ("if:tags~traffic light/blur:1/end", "blur:1", [{"objects"}]),
        ("if:tag(animal)/blur:1/end", "blur:1", [{"objects"}]),
        ("if:tag(vehicle)/blur:1/else/blur:2/end", "blur:2", [{"objects"}]),
        ("if:tags~cat/blur:1/end", "", [{"objects"}]),
        ("if:tags~beach/blur:1/end", "blur:1", [EVERYTHING]),  # put to it by hand: nobody here knows it
        ("if:tags!~snow/blur:1/end", "blur:1", [EVERYTHING]),
        ("let:a='dog'/if:tags~$a/blur:1/end", "blur:1", [{"objects"}]),
        ("if:tag(female-breast-exposed)/blur:1/end", "blur:1", [{"moderation"}]),
        ("if:!tag(Female-Breast-Exposed)/blur:1/end", "", [{"moderation"}]),
        ("if:tags~Traffic_Light:DOG/blur:1/end", "blur:1", [{"objects"}]),
        ("if:count(female-breast-exposed)>0/blur:1/end", "blur:1", [{"moderation"}]),
        ("if:tags~female-breast-exposed/blur:1/end", "blur:1", [{"moderation"}]),
        ("let:a='female-breast-exposed'/if:tags~$a/blur:1/end", "blur:1", [{"moderation"}]),
        ("if:tag(blurry)/blur:1/else/blur:2/end", "blur:2", [{"traits"}]),
        ("if:tag(qr-code)|tag(barcode)/blur:1/else/blur:2/end", "blur:2", [{"codes"}, {"codes"}]),
        ("if:tag(red)/blur:1/else/blur:2/end", "blur:2", [{"colors"}]),
        ("if:count(dog)>0/blur:1/end", "blur:1", [{"objects"}]),
        ("if:count(person)=2/blur:1/end", "blur:1", [{"faces", "objects"}]),
        ("if:count(animal)>1/blur:1/else/blur:2/end", "blur:2", [{"objects"}]),
        ("resize:(count(cat)+50)x", "resize:50x", [{"objects"}]),
        ("if:moderation>0.5/blur:1/else/blur:2/end", "blur:1", [{"moderation"}]),
        ("if:moderation>0.8/blur:1/else/blur:2/end", "blur:2", [{"moderation"}]),
        ("if:w<1&tag(dog)/blur:1/end", "", []),
        ("if:w>1|faces>1/blur:1/end", "blur:1", []),
        ("if:w<1&faces>1/blur:1/end", "", []),
        ("if:w<1/if:faces>1/blur:1/end/end", "", []),
        ("if:w>1/blur:2/else/if:faces>1/blur:1/end/end", "blur:2", []),
        ("face-crop:9x9", "face-crop:9x9", []),
    ],
)
def test_content_is_asked_for_where_it_decides_and_nowhere_else(text: str, plain: str, kinds: list[set[str]]) -> None:
    ask = Asking()
    assert resolved(text, ask=ask) == plain
    assert ask.kinds == kinds


@pytest.mark.parametrize(
    ("text", "client", "plain"),
    [
        ("resize:(auto)x", Client(width=333), "resize:333x"),
        ("resize:(auto@50)x", Client(width=333), "resize:350x"),
        ("resize:(auto@50)x", Client(width=350), "resize:350x"),
        ("resize:(auto@50)x", Client(), "resize:1600x"),
        ("resize:400x/resize:(auto@50)x", Client(), "resize:400x/resize:400x"),
        ("resize:(auto@50@640)x", Client(), "resize:640x"),
        ("resize:(auto@50@640)x", Client(width=99), "resize:100x"),
        ("resize:(auto@9999)x", Client(width=99), "resize:8192x"),
        ("resize:(100*dpr)x", Client(dpr=2.5), "resize:250x"),
        ("resize:(100*dpr)x", Client(), "resize:100x"),
        ("resize:(float(0.25*dpr))x", Client(dpr=2.0), "resize:0.5x"),
        ("resize:(auto@50*dpr)x", Client(dpr=1.5, width=99), "resize:150x"),
    ],
)
def test_what_the_client_said(text: str, client: Client, plain: str) -> None:
    assert resolved(text, client=client) == plain


@pytest.mark.parametrize(
    ("text", "kind", "code", "details"),
    [
        ("resize:($a)x", Kind.BAD_REQUEST, "undefined-variable", {"variable": "a"}),
        ("resize:($a)x/let:a=3", Kind.BAD_REQUEST, "undefined-variable", {"variable": "a"}),
        ("let:a=$a+1", Kind.BAD_REQUEST, "undefined-variable", {"variable": "a"}),
        ("let:small=3/resize:($smal)x", Kind.BAD_REQUEST, "undefined-variable", {"nearest": "small"}),
        ("if:w<1/let:a=2/end/resize:($a)x", Kind.BAD_REQUEST, "undefined-variable", {"variable": "a"}),
        ("if:$a>1/blur:1/end", Kind.BAD_REQUEST, "undefined-variable", {"variable": "a"}),
        ("resize:(w*100)x", Kind.BAD_REQUEST, "bad-argument", {"maximum": 8192, "operation": "resize"}),
        ("resize:(w-1600)x", Kind.BAD_REQUEST, "bad-argument", {"minimum": 1}),
        ("blur:(w)", Kind.BAD_REQUEST, "bad-argument", {"maximum": 250, "argument": "sigma"}),
        ("quality:(w)", Kind.BAD_REQUEST, "bad-argument", {"argument": "value"}),
        ("resize:('word')x", Kind.BAD_REQUEST, "bad-argument", {"argument": "size"}),
        ("resize:('40')x", Kind.BAD_REQUEST, "bad-argument", {"argument": "size"}),
        ("background:('no colour')", Kind.BAD_REQUEST, "bad-argument", {"argument": "color"}),
        ("resize:(w:0)x", Kind.BAD_REQUEST, "bad-expression", {"operation": "resize"}),
        ("let:a=1:0", Kind.BAD_REQUEST, "bad-expression", {}),
        ("let:a='x'/resize:($a*2)x", Kind.BAD_REQUEST, "bad-expression", {}),
        ("if:w>'x'/blur:1/end", Kind.BAD_REQUEST, "bad-expression", {}),
        ("if:tags='x'/blur:1/end", Kind.BAD_REQUEST, "bad-expression", {"operand": "tags"}),
        ("let:a=tags/if:$a~dog/blur:1/end", Kind.BAD_REQUEST, "bad-expression", {"operand": "tags"}),
        (
            "if:tags~femal-breast-exposed/blur:1/end",
            Kind.BAD_REQUEST,
            "unknown-tag",
            {"nearest": "female-breast-exposed"},
        ),
        ("let:a='persn'/if:tags!~$a/blur:1/end", Kind.BAD_REQUEST, "unknown-tag", {"nearest": "person"}),
        ("if:tar>1/blur:1/end", Kind.NOT_IMPLEMENTED, "unsupported-operand", {"operand": "tar"}),
        ("let:a=ctx@key", Kind.NOT_IMPLEMENTED, "unsupported-operand", {"operand": "ctx"}),
        ("preset:nowhere", Kind.BAD_REQUEST, "unknown-preset", {}),
        ("cloudinary:e_sepia", Kind.NOT_IMPLEMENTED, "not-implemented", {"component": "e_sepia"}),
        ("if:w>1/cloudinary:l_logo,w_9/end", Kind.NOT_IMPLEMENTED, "not-implemented", {"component": "l_logo,w_9"}),
        ("crop:gravity=face/resize:(w:2)x", Kind.BAD_REQUEST, "size-unknown", {}),
        ("crop:gravity=cat/if:w>9/blur:1/end", Kind.BAD_REQUEST, "size-unknown", {}),
    ],
)
def test_what_cannot_be_worked_out(text: str, kind: Kind, code: str, details: dict[str, object]) -> None:
    with pytest.raises(Failure) as caught:
        resolved(text)
    assert (caught.value.kind, caught.value.code) == (kind, code)
    assert {name: caught.value.details.get(name) for name in details} == details


def test_sides_of_the_source_are_known_where_those_of_the_picture_are_not() -> None:
    assert resolved("crop:gravity=face/resize:(iw:2)x") == "crop:gravity=face/resize:800x"


def test_a_silent_detector_is_done_without_and_told() -> None:
    pipeline, without = resolve(
        Pipeline.parse("if:faces>0/blur:1/else/blur:2/end"), LANDSCAPE, Client(), Asking(SILENT)
    )
    assert (str(pipeline), without) == ("blur:2", ("faces", "objects"))


@pytest.mark.parametrize(
    "text",
    [
        "if:faces>0/blur-faces/end",
        "if:faces>0/blur:1/end/blur-faces",
        "if:tags~person/pixelate-faces/else/grayscale/end",
        "blur-faces/resize:(100+faces)x",
    ],
)
def test_where_something_is_hidden_a_silent_detector_is_a_failure(text: str) -> None:
    with pytest.raises(Failure) as caught:
        resolved(text, ask=Asking(SILENT))
    assert (caught.value.kind, caught.value.code) == (Kind.UNAVAILABLE, "detector-unavailable")
    assert caught.value.details["detectors"] == ["faces", "objects"]
    assert caught.value.retry_after


@pytest.mark.parametrize(
    "condition",
    [
        "moderation>0.5", "tag(anus-exposed)", "!tag(anus-exposed)", "count(anus-exposed)>0", "tags~anus-exposed",
        "tags~dog:anus-exposed",
    ],
)  # fmt: skip
def test_without_its_detector_nobody_may_rely_on_moderation(condition: str) -> None:
    """Who asks for it holds something back by it: a silent detector must not let it through."""
    with pytest.raises(Failure) as caught:
        resolved(f"if:{condition}/blur:90/end", ask=Asking(Found(missing=(Missing("moderation", "", "no answer"),))))
    assert (caught.value.kind, caught.value.code) == (Kind.UNAVAILABLE, "detector-unavailable")


def test_the_operators_own_labels_are_words_of_conditions() -> None:
    rust = Found(regions=(Region("Leaf Rust", 0.6, Box(0, 0, 1, 1), by="crops"),))
    install(Vocabulary((Named("crops", ("Leaf Rust", "dog"), tags=True), Named("cars", ("dog", "hubcap"), tags=False))))
    try:
        for text, kinds in (
            ("tag(leaf_rust)", {"crops"}),
            ("tag('leaf rust')", {"crops"}),
            ("count(leaf_rust)=1", {"crops"}),
            ("!tag(dog)", {"objects", "crops"}),
            ("!tag(hubcap)", {"cars"}),
            ("tags!~Hubcap", {"cars"}),
            ("tags~LEAF_rust", {"crops"}),
        ):
            ask = Asking(rust)
            assert resolved(f"if:{text}/blur:1/end", ask=ask) == "blur:1"
            assert ask.kinds == [kinds]
    finally:
        install(NOTHING)


def test_the_faces_of_conditions_are_those_for_crops() -> None:
    hidden = Found(regions=(face(0.1, 0.1, 0.2, 0.2, by="all-faces"), thing("dog", 0, 0, 1, 1)))
    assert resolved("if:faces>0/blur:1/else/blur:2/end", ask=Asking(hidden)) == "blur:2"

"""Which fonts are found by name, by file and by character, and what is said where there is none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from fontTools.ttLib import TTCollection, TTFont

from transforms.failure import Failure, Kind
from transforms.letters import faces as fonts_faces
from transforms.letters import fonts
from transforms.letters.aliases import NAMES, PACKAGES, STAND_INS
from transforms.letters.coverage import Coverage, coverage_of
from transforms.letters.faces import coverage, faces_in, folded, opened, rules

from .lettered import font, installed

LATIN = "AaZzéßœŁ09!?€“”–"


@pytest.fixture
def only_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine with no font of its own."""
    monkeypatch.setattr(fonts, "_SYSTEM", ())
    monkeypatch.setenv("HOME", str(tmp_path))
    fonts.install([])
    yield
    monkeypatch.undo()
    fonts.install([])


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with installed(tmp_path):
        yield tmp_path


def refused(name: str) -> Failure:
    with pytest.raises(Failure) as caught:
        fonts.find(name)
    assert caught.value.kind == Kind.BAD_REQUEST
    return caught.value


@pytest.mark.usefixtures("only_pip")
@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("Arial", "Arimo"), ("helvetica", "Arimo"), ("sans-serif", "Arimo"), ("Times New Roman", "STIXGeneral"),
        ("Courier New", "DejaVu Sans Mono"), ("Verdana", "DejaVu Sans"), ("Georgia", "DejaVu Serif"),
    ],
)  # fmt: skip
def test_pip_alone_brings_what_the_web_takes_for_granted(name: str, family: str) -> None:
    for weight, italic in ((400, False), (700, False), (400, True), (700, True)):
        style = fonts.find(name, weight, italic)
        assert style.face.family == family
        assert style.face.italic == italic
        assert not style.bold
        assert not style.oblique
        assert all(character in coverage(style.face) for character in LATIN)


@pytest.mark.usefixtures("only_pip")
def test_pillows_own_font_is_the_last_resort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_system_folders", lambda: ())
    fonts._index.cache_clear()
    style = fonts.find("Arial")
    assert fonts.families() == ("Aileron",)
    assert "A" in coverage(style.face)
    assert opened(style.face, 20, 400).getlength("A") > 5
    assert rules(style.face).underline[0] <= 0


def test_every_stand_in_is_a_family_that_is_known() -> None:
    known = {"arimo", "nimbussans", "tinos", "nimbusroman", "stixgeneral", "cousine", "nimbusmonops", "aileron",
             "nimbussansnarrow", "robotoblack", "selawik", "texgyrepagella", "texgyrebonum", "texgyreschola",
             "texgyreadventor"}  # fmt: skip
    for listed in STAND_INS.values():
        assert listed
        assert {folded(name) for name in listed} <= known | set(PACKAGES)
    assert set(STAND_INS) == set(map(folded, NAMES))


def test_an_unknown_family_is_refused_with_the_nearest_one() -> None:
    failure = refused("Ariall")
    assert failure.code == "unknown-font"
    assert failure.details["nearest"] == "Arial"
    assert "DejaVu Sans" in failure.details["choices"]
    assert refused("qqqqqqqq").details["nearest"] is None


@pytest.mark.usefixtures("only_pip")
@pytest.mark.parametrize(
    ("name", "package"), [("Calibri", "fonts-crosextra-carlito"), ("Lato", "fonts-lato"), ("Poppins", None)]
)  # fmt: skip
def test_a_known_family_that_is_not_installed_is_never_replaced(name: str, package: str | None) -> None:
    failure = refused(name)
    assert failure.code == "unknown-font"
    assert failure.details["package"] == package
    assert (package or name) in (failure.hint or "")


def test_names_are_taken_as_people_write_them(folder: Path) -> None:
    font(folder / "a.ttf", "Blocks Of-Mine")
    for name in ("Blocks Of-Mine", "blocks of mine", "BLOCKS_OF_MINE", "blocksofmine"):
        assert fonts.find(name).face.family == "Blocks Of-Mine"


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [(100, 300), (300, 300), (350, 300), (400, 500), (500, 500), (600, 800), (700, 800), (900, 800)],
)
def test_the_nearest_weight_is_that_of_css(folder: Path, wanted: int, taken: int) -> None:
    for weight in (300, 500, 800):
        font(folder / f"{weight}.ttf", "Blocks", weight=weight)
    style = fonts.find("Blocks", wanted)
    assert style.face.weights == (taken, taken)
    assert not style.bold


def test_what_a_family_lacks_is_made(folder: Path) -> None:
    font(folder / "a.ttf", "Blocks")
    style = fonts.find("Blocks", 700, italic=True)
    assert (style.bold, style.oblique) == (True, True)
    font(folder / "b.ttf", "Blocks", italic=True)
    fonts.install([folder])
    style = fonts.find("Blocks", 500, italic=True)
    assert (style.face.italic, style.bold, style.oblique) == (True, False, False)


def test_a_variable_font_has_every_weight() -> None:
    style = fonts.find("Arimo", 550)
    assert style.face.variable
    assert style.face.weight_for(550) == 550
    assert opened(style.face, 100, 700).getlength("illi") > opened(style.face, 100, 400).getlength("illi")


def test_collections_and_woff2(folder: Path) -> None:
    one, two = (font(folder / f"{name}.ttf", name) for name in ("Uno", "Due"))
    both = TTCollection()
    both.fonts = [TTFont(one), TTFont(two)]
    both.save(folder / "both.ttc")
    packed = TTFont(one)
    packed.flavor = "woff2"
    packed.save(folder / "packed.woff2")
    assert [face.family for face in faces_in(folder / "both.ttc")] == ["Uno", "Due"]
    for face in (faces_in(folder / "both.ttc")[1], *faces_in(folder / "packed.woff2")):
        assert "A" in coverage(face)
        assert opened(face, 100, 400).getlength("A") == 60


def test_a_file_is_found_by_its_path(folder: Path) -> None:
    (folder / "brand").mkdir()
    font(folder / "brand" / "own.ttf", "Mine")
    assert fonts.find("brand/own.ttf").face.family == "Mine"
    failure = refused("brand/owm.ttf")
    assert failure.code == "unknown-font"
    assert failure.details["nearest"] == "brand/own.ttf"


def test_a_file_that_was_replaced_is_read_again(folder: Path) -> None:
    font(folder / "own.ttf", "Before")
    assert fonts.find("own.ttf").face.family == "Before"
    font(folder / "own.ttf", "Thereafter")
    assert fonts.find("own.ttf").face.family == "Thereafter"


def test_no_link_leads_out_of_the_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = font(tmp_path_factory.mktemp("outside") / "secret.ttf", "Secret")
    (folder / "link.ttf").symlink_to(outside)
    assert refused("link.ttf").code == "unknown-font"
    assert refused(f"../{outside.parent.name}/secret.ttf").code == "unknown-font"


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x01\x00\x00", b"GIF89a" * 9, b"ttcf\xff\xff\xff\xff" * 4, b"wOF2" * 20]
)
def test_what_is_no_font_is_refused(folder: Path, content: bytes) -> None:
    (folder / "bad.ttf").write_bytes(content)
    assert refused("bad.ttf").code == "unreadable-font"


def test_damaged_fonts_are_refused_and_never_crash(folder: Path) -> None:
    whole = font(folder / "whole.ttf", "Whole").read_bytes()
    for at in range(0, len(whole), 7):
        for damaged in (whole[:at], whole[:at] + b"\xff\xff\xff\xff" + whole[at + 4 :]):
            (folder / "bad.ttf").write_bytes(damaged)
            for face in faces_in(folder / "bad.ttf"):
                assert len(coverage(face).begins) < 1000
                rules(face)
                with suppress(Failure, OSError):
                    opened(face, 20, 400).getlength("A")
            fonts_faces._many.cache_clear()
            coverage.cache_clear()


def test_a_large_file_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    font(folder / "big.ttf", "Big")
    monkeypatch.setattr(fonts_faces, "LARGEST", 100)
    assert refused("big.ttf").code == "unreadable-font"


def test_few_large_files_are_kept_open(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    face = faces_in(font(folder / "a.ttf", "Blocks"))[0]
    monkeypatch.setattr(fonts_faces, "LARGE", 100)
    fonts_faces._few.cache_clear()
    for size in range(10, 30):
        opened(face, size, 400)
    assert fonts_faces._few.cache_info().currsize == 4


def test_another_font_draws_what_one_lacks(folder: Path) -> None:
    box = (0, 0, 500, 500)
    font(folder / "a.ttf", "Blocks", {"A": box})
    font(folder / "b.ttf", "Others", {"\U0001f9ff": box, "\ue000": box, "\U0002ffff": box, "Ж": box})
    own = fonts.find("Blocks")
    assert fonts.style_for("A", own) == own
    assert fonts.style_for("Ж", own).face.family != "Blocks"
    assert fonts.style_for("\U0001f9ff", own, ("Others",)).face.family == "Others"
    assert fonts.style_for("\ue000", own) == own  # private use means nothing in another font
    assert fonts.style_for("\U0002ffff", own) == own  # no character


def test_fallbacks_keep_weight_and_slant(folder: Path) -> None:
    box = (0, 0, 500, 500)
    font(folder / "a.ttf", "Blocks", {"A": box}, weight=700)
    for weight in (400, 700):
        font(folder / f"{weight}.ttf", "Others", {"\U0001f9ff": box}, weight=weight)
    style = fonts.style_for("\U0001f9ff", fonts.find("Blocks", 700, italic=True), ("Others",))
    assert (style.face.family, style.face.weights, style.oblique) == ("Others", (700, 700), True)


def test_coverage_is_that_of_fonttools() -> None:
    faces = {face for name in fonts.families()[:25] for face in fonts._index()[folded(name)]}
    for face in faces:
        if face.number < 0 or face.path.name.startswith("LastResort"):
            continue
        with TTFont(face.path, fontNumber=face.number, lazy=True) as opened_font:
            codes = set(opened_font.getBestCmap() or ()) - {0}
        found = coverage(face)
        mine = {code for first, last in zip(found.begins, found.ends, strict=True) for code in range(first, last + 1)}
        assert mine - {0} == codes, face.path.name


def test_ranges_are_joined() -> None:
    assert Coverage.of([(5, 9), (1, 2), (3, 3), (8, 12), (20, 19)]) == Coverage((1, 5), (3, 12))
    assert Coverage.union([Coverage((1,), (3,)), Coverage((2, 9), (5, 9))]) == Coverage((1, 9), (5, 9))
    assert "a" in Coverage((97,), (97,))
    assert "b" not in Coverage((97,), (97,))
    assert coverage_of(b"\0\0\0\0") == Coverage()


def test_fonts_cost_nothing_before_a_text_is_drawn() -> None:
    code = "import sys, transforms.operations.text; print('fontTools' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"

"""Arithmetic and conditions of the native dialect: their one text, what they come to, what is refused."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from transforms.expressions import Number, Operand, Text, Value, holds, operands, value
from transforms.failure import Failure, Kind
from transforms.grammar import LONGEST, MOST_NESTED, MOST_TOKENS, parse_condition, parse_expression


@dataclass
class Known:
    """Surroundings with fixed values; `asked` is what was looked up."""

    asked: list[str] = field(default_factory=list)

    def operand(self, operand: Operand) -> Value:
        self.asked.append(operand.name)
        if operand.name == "tags":
            return Text("dog:person:traffic light")
        measured = {"w": 300.0, "h": 200.0, "ar": 1.5, "iw": 1600.0, "faces": 2.0}
        return Number(measured[operand.name], measured=True)

    def variable(self, name: str) -> Value:
        self.asked.append(f"${name}")
        given: dict[str, Value] = {"half": Number(0.5, True), "ten": Number(10.0), "word": Text("dog")}
        return given[name]


def number(text: str) -> float:
    found = value(parse_expression(text), Known())
    assert isinstance(found, Number)
    return found.value


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("1 + 2*3", "1+2*3"),
        ("(1+2)*3", "(1+2)*3"),
        ("1+(2*3)", "1+2*3"),
        ("(1-2)-3", "1-2-3"),
        ("1-(2-3)", "1-(2-3)"),
        ("16:9", "16:9"),
        ("2*(4:3)", "2*(4:3)"),
        ("w mod 3", "w mod 3"),
        ("2^3^2", "2^3^2"),
        ("2^(3^2)", "2^(3^2)"),
        ("-5", "-5"),
        ("- w", "-w"),
        ("-w*2", "(-w)*2"),
        ("-(w*2)", "0-w*2"),
        ("0-w", "-w"),
        ("0-5", "0-5"),
        ("w--h", "w-(-h)"),
        ("---w", "---w"),
        ("10--5", "10--5"),
        ("-2^2", "-2^2"),
        ("1.0", "1.0"),
        ("1.", "1.0"),
        (".5", "0.5"),
        ("007", "7"),
        ("$half", "$half"),
        ("'a b'", "'a b'"),
        ("'a%2Cb'", "'a%2Cb'"),
        ("'a%27b'", "'a%27b'"),
        ("'a=b'", "'a%3Db'"),  # which ends the name of an argument
        ("int(w:3)", "int(w:3)"),
        ("float(int($ten))", "float(int($ten))"),
        ("auto@20@400", "auto@20@400"),
        ("ctx@a%2Cb", "ctx@a%2Cb"),
    ],
)
def test_the_one_text_of_an_expression(text: str, canonical: str) -> None:
    tree = parse_expression(text)
    assert str(tree) == canonical
    assert parse_expression(canonical) == tree


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("faces > 0", "faces>0"),
        ("w+10>h*2", "w+10>h*2"),
        ("w>1&h>2|faces>0", "w>1&h>2|faces>0"),
        ("ar<=4:3", "ar<=4:3"),
        ("$word='dog'", "$word='dog'"),
        ("tags~dog", "tags~dog"),
        ("tags~'dog'", "tags~dog"),
        ("tags~traffic light & w>1", "tags~traffic light&w>1"),
        ("tags!~dog:cat", "tags!~dog:cat"),
        ("tags~'1'", "tags~'1'"),
        ("tags~'dog '", "tags~'dog '"),
        ("'dog:cat'~(tags)", "'dog:cat'~(tags)"),
        ("tags~$word", "tags~$word"),
        ("w~(h+1)", "w~(h+1)"),
        ("tag(dog)", "tags~dog"),
        ("!tag(dog)&w>1", "tags!~dog&w>1"),
        ("w>1|tag( cell_phone )", "w>1|tags~cell phone"),
        ("tag('cell phone')", "tags~cell phone"),
        ("tag(CellPhone)", "tags~cell phone"),
        ("tag(sofa)", "tags~sofa"),
        ("tag(vehicle)", "tags~vehicle"),
        ("tag(electronic)", "tags~electronics"),
        ("tag(qr-code)", "tags~qr-code"),
        ("tag(light_blue)", "tags~light blue"),
        ("count(dog)>1", "count(dog)>1"),
        ("count( 'wine%20glass' )*2>w", "count(wine glass)*2>w"),
        ("2<count(wineglass)", "2<count(wine glass)"),
        ("moderation>=0.5", "moderation>=0.5"),
        ("tags~(int('1'))", "tags~(int('1'))"),
    ],
)
def test_the_one_text_of_a_condition(text: str, canonical: str) -> None:
    tree = parse_condition(text)
    assert str(tree) == canonical
    assert parse_condition(canonical) == tree


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1+2*3", 7), ("(1+2)*3", 9), ("10-5-2", 3), ("12:3:2", 2), ("2^3^2", 64), ("2*3^2", 18), ("10 mod 3", 1),
        ("-10 mod 3", 2), ("-2^2", 4), ("7:2", 3.5), ("w-20", 280), ("w:h", 1.5), ("iw*0.25", 400), ("-w", -300),
        ("--w", 300), ("faces*100", 200), ("$half*2", 1), ("$ten^2", 100), ("int(7:2)", 3), ("int(-3.5)", -3),
        ("float(3)", 3), ("int('12')", 12), ("float('1.5')", 1.5), ("4^0.5", 2),
    ],
)  # fmt: skip
def test_arithmetic(text: str, expected: float) -> None:
    assert number(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "decimal", "measured"),
    [
        ("10", False, False),
        ("1.0", True, False),
        ("10*2", False, False),
        ("0.5*2", False, False),
        ("w", False, True),
        ("w*0.5", False, True),
        ("0.5*w", False, True),
        ("$half", True, False),
        ("$half*w", False, True),
        ("float(w:2)", True, False),
        ("int(0.5*4)", False, False),
        ("-0.5", True, False),
    ],
)
def test_what_a_number_is_where_a_length_stands(text: str, decimal: bool, measured: bool) -> None:
    found = value(parse_expression(text), Known())
    assert isinstance(found, Number)
    assert (found.decimal, found.measured) == (decimal, measured)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("w>299", True), ("w>300", False), ("w>=300", True), ("w<300", False), ("w<=300", True), ("w=300", True),
        ("w!=300", False), ("ar=3:2", True), ("ar=1.5", True), ("ar>4:3", True), ("1:3=0.333333333", True),
        ("w>400|h>100", True), ("w>400&h>100", False), ("w>400&h>100|faces=2", True), ("faces=2|w>400&h>400", True),
        ("tags~dog", True), ("tags~cat", False), ("tags~dog:person", True), ("tags~dog:cat", False),
        ("tags~traffic light", True), ("tags!~cat", True), ("tags!~dog", False), ("tags!~dog:cat", True),
        ("$word='dog'", True), ("$word!='cat'", True), ("tags~$word", True), ("'dog:x'~$word", True), ("5~5", True),
    ],
)  # fmt: skip
def test_conditions(text: str, expected: bool) -> None:
    assert holds(parse_condition(text), Known()) is expected


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("w>400&faces>0", ["w"]),
        ("w>200&faces>0", ["w", "faces"]),
        ("w>200|faces>0", ["w"]),
        ("w>400|faces>0", ["w", "faces"]),
        ("w>400&faces>0|h>1", ["w", "h"]),
    ],
)
def test_only_what_decides_is_looked_up(text: str, asked: list[str]) -> None:
    known = Known()
    holds(parse_condition(text), known)
    assert known.asked == asked


@pytest.mark.parametrize(
    "text",
    [
        "", "1+", "+1", "1 2", "w h", "(1", "1)", "()", "w(2)", "1..2", "1e3", "0x10", "$", "$1", "$a_b", "'open",
        "w>1", "w&h", "w>1>2", "int", "int 3", "int(", "int()", "int(w>1)", "(w>1)", "mod 3", "w mod", "٣", "pagess",
        "W", "nan", "inf", "w@3", "auto@0", "auto@1@2@3", "auto@x", "auto@10000", "1234567890", "a" * 5000, "w;h",
        "w%2",
    ],
)  # fmt: skip
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(Failure) as caught:
        parse_expression(text)
    assert (caught.value.kind, caught.value.code) == (Kind.BAD_REQUEST, "bad-expression")


@pytest.mark.parametrize(
    "text",
    [
        "", "w", "1+2", "w>", ">1", "w>1&", "w>1&h", "w=>1", "w==1", "(w>1)", "!w>1", "~w", "tag(dog)>1", "count(dog)",
        "count>1", "tag", "tag>1", "!w", "! tag(dog)", "!count(dog)>1", "tag(dog", "tag dog", "moderation",
    ],
)  # fmt: skip
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(Failure) as caught:
        parse_condition(text)
    assert caught.value.code == "bad-expression"


def test_an_unknown_operand_names_the_nearest() -> None:
    with pytest.raises(Failure) as caught:
        parse_expression("facess*2")
    assert caught.value.details["nearest"] == "faces"
    assert "faces" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "close"),
    [
        ("tag(dgo)", "dog"), ("!tag(vehicel)", "vehicle"), ("tag(blury)", "blurry"), ("count(qrcode)>1", "qr-code"),
        ("tag('sofaa')", "sofa"), ("tag(turquois)", "turquoise"), ("tag()", None), ("tag(quetzalcoatlus)", None),
        ("tag(dog:cat)", "dog"),
    ],
)  # fmt: skip
def test_a_word_that_nothing_can_find_names_the_nearest(text: str, close: str | None) -> None:
    with pytest.raises(Failure) as caught:
        parse_condition(text)
    assert (caught.value.kind, caught.value.code) == (Kind.BAD_REQUEST, "unknown-tag")
    assert caught.value.details["nearest"] == close
    assert caught.value.hint


def test_a_word_beside_tags_may_be_a_plugins() -> None:
    assert str(parse_condition("tags~dgo")) == "tags~dgo"


def test_bounds_of_length_and_parts() -> None:
    assert len(str(parse_expression("+".join(["1"] * (MOST_TOKENS // 2))))) < LONGEST
    for text, bound in (("1" + "+1" * (MOST_TOKENS // 2), MOST_TOKENS), ("'" + "a" * LONGEST + "'", LONGEST)):
        with pytest.raises(Failure) as caught:
            parse_expression(text)
        assert caught.value.details["maximum"] == bound


@pytest.mark.parametrize(
    "text", ["-" * 20 + "w", "(" * 20 + "w" + ")" * 20, "int(" * 20 + "w" + ")" * 20, "'" + "ü" * 400 + "'"]
)
def test_the_longest_have_a_text_that_can_be_read(text: str) -> None:
    tree = parse_expression(text)
    assert parse_expression(str(tree)) == tree


@pytest.mark.parametrize("text", ["-" * 99 + "w", "(" * 21 + "w" + ")" * 21, "int(" * 21 + "w" + ")" * 21])
def test_how_deep_an_expression_may_be_nested(text: str) -> None:
    with pytest.raises(Failure) as caught:
        parse_expression(text)
    assert caught.value.details["maximum"] == MOST_NESTED


@pytest.mark.parametrize(
    ("text", "code", "kind"),
    [
        ("1:0", "bad-expression", Kind.BAD_REQUEST),
        ("w mod 0", "bad-expression", Kind.BAD_REQUEST),
        ("0^-1", "bad-expression", Kind.BAD_REQUEST),
        ("9^999999999", "bad-expression", Kind.BAD_REQUEST),
        ("999999999^2", "bad-expression", Kind.BAD_REQUEST),
        ("(-8)^0.5", "bad-expression", Kind.BAD_REQUEST),
        ("'a'+1", "bad-expression", Kind.BAD_REQUEST),
        ("tags*2", "bad-expression", Kind.BAD_REQUEST),
        ("int('word')", "bad-expression", Kind.BAD_REQUEST),
        ("int('nan')", "bad-expression", Kind.BAD_REQUEST),
        ("int('inf')", "bad-expression", Kind.BAD_REQUEST),
        ("float('1e400')", "bad-expression", Kind.BAD_REQUEST),
        ("float('1_0')", "bad-expression", Kind.BAD_REQUEST),
        ("px*2", "unsupported-operand", Kind.NOT_IMPLEMENTED),
        ("ctx@key", "unsupported-operand", Kind.NOT_IMPLEMENTED),
    ],
)
def test_what_has_no_value(text: str, code: str, kind: Kind) -> None:
    tree = parse_expression(text)
    with pytest.raises(Failure) as caught:
        value(tree, Known())
    assert (caught.value.kind, caught.value.code) == (kind, code)


@pytest.mark.parametrize("text", ["w='a'", "$word>3", "tags=1"])
def test_text_is_not_compared_with_numbers(text: str) -> None:
    with pytest.raises(Failure) as caught:
        holds(parse_condition(text), Known())
    assert caught.value.code == "bad-expression"


def test_the_operands_of_a_tree() -> None:
    assert {found.name for found in operands(parse_condition("w+$a>int(h)*2&tags~dog|faces>1"))} == {
        "w", "h", "tags", "faces",
    }  # fmt: skip

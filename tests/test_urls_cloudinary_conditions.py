"""Cloudinary's conditions: what they compare, and which components they guard in both of their forms."""

from __future__ import annotations

import pytest

from transforms.failure import Kind

from .transformations import refused, steps

GUARDS = [
    # beside what it guards, alone
    ("if_w_gt_9,w_5", "if:w>9/resize:5x,enlarge=true/end"),
    ("w_5,if_w_gt_9", "if:w>9/resize:5x,enlarge=true/end"),
    ("if_w_gt_9,w_5/h_3", "if:w>9/resize:5x,enlarge=true/end/resize:x3,enlarge=true"),
    ("if_w_gt_9,w_5/if_else,w_7", "if:w>9/resize:5x,enlarge=true/else/resize:7x,enlarge=true/end"),
    (
        "if_w_gt_9,w_5/if_else,w_7/h_3",
        "if:w>9/resize:5x,enlarge=true/else/resize:7x,enlarge=true/end/resize:x3,enlarge=true",
    ),
    ("if_w_gt_9,w_5/if_end/h_3", "if:w>9/resize:5x,enlarge=true/end/resize:x3,enlarge=true"),
    ("if_w_gt_9,w_5/if_else,w_7/if_end", "if:w>9/resize:5x,enlarge=true/else/resize:7x,enlarge=true/end"),
    ("if_w_gt_9,w_5/if_h_gt_9,h_5", "if:w>9/resize:5x,enlarge=true/end/if:h>9/resize:x5,enlarge=true/end"),
    ("if_w_gt_9,$v_5/w_$v", "if:w>9/let:v=5/end/resize:($v)x,enlarge=true"),
    ("if_w_gt_9,$v_5,w_$v", "if:w>9/let:v=5/resize:($v)x,enlarge=true/end"),
    ("if_w_gt_9,t_small/if_else,t_large", "if:w>9/preset:small/else/preset:large/end"),
    ("if_w_gt_9,f_jpg/if_else,f_png", "if:w>9/format:jpeg/else/format:png/end"),
    ("if_w_gt_9,q_50/q_70", "if:w>9/quality:50/end/quality:70"),
    ("if_w_gt_9,a_0", "if:w>9/end"),
    # as a block
    ("if_w_gt_9/w_5/if_end", "if:w>9/resize:5x,enlarge=true/end"),
    ("if_w_gt_9/w_5/r_3/if_end/h_3", "if:w>9/resize:5x,enlarge=true/round:3/end/resize:x3,enlarge=true"),
    ("if_w_gt_9/w_5/if_else/w_7/if_end", "if:w>9/resize:5x,enlarge=true/else/resize:7x,enlarge=true/end"),
    ("if_w_gt_9/w_5/if_else,w_7/if_end", "if:w>9/resize:5x,enlarge=true/else/resize:7x,enlarge=true/end"),
    ("if_w_gt_9/w_5/if_else,w_7/r_3/if_end", "if:w>9/resize:5x,enlarge=true/else/resize:7x,enlarge=true/round:3/end"),
    ("if_w_gt_9,w_5/if_else/w_7/r_3/if_end", "if:w>9/resize:5x,enlarge=true/else/resize:7x,enlarge=true/round:3/end"),
    ("if_w_gt_9/if_end", "if:w>9/end"),
    ("if_w_gt_9/if_else/w_7/if_end", "if:w>9/else/resize:7x,enlarge=true/end"),
    ("if_w_gt_9/q_50/if_end/q_70", "if:w>9/quality:50/end/quality:70"),
    ("$v_1/if_w_gt_9/$v_2/if_end/w_$v", "let:v=1/if:w>9/let:v=2/end/resize:($v)x,enlarge=true"),
    # in each other
    ("if_w_gt_9/if_h_gt_9/w_5/if_end/if_end", "if:w>9/if:h>9/resize:5x,enlarge=true/end/end"),
    (
        "if_w_gt_9/if_h_gt_9/w_5/if_else/w_6/if_end/if_else/w_7/if_end",
        "if:w>9/if:h>9/resize:5x,enlarge=true/else/resize:6x,enlarge=true/end/else/resize:7x,enlarge=true/end",
    ),
    (
        "if_w_gt_9/if_h_gt_9,w_5/if_else,w_6/if_end",
        "if:w>9/if:h>9/resize:5x,enlarge=true/else/resize:6x,enlarge=true/end/end",
    ),
    (
        "if_w_gt_9/if_h_gt_9,w_5/if_else/w_6/if_end/if_end",
        "if:w>9/if:h>9/resize:5x,enlarge=true/else/resize:6x,enlarge=true/end/end",
    ),
    (
        "if_w_gt_9/if_h_gt_9,w_5/if_else/w_6/if_end",
        "if:w>9/if:h>9/resize:5x,enlarge=true/end/else/resize:6x,enlarge=true/end",
    ),
    (
        "if_w_gt_9/if_h_gt_9,w_5/if_else,w_4/if_else/w_6/if_end",
        "if:w>9/if:h>9/resize:5x,enlarge=true/else/resize:4x,enlarge=true/end/else/resize:6x,enlarge=true/end",
    ),
    (
        "if_w_gt_7,w_5/if_else/w_6/if_end/if_w_gt_9/if_h_gt_9,w_5/if_else/w_6/if_end",
        (
            "if:w>7/resize:5x,enlarge=true/else/resize:6x,enlarge=true/end"
            "/if:w>9/if:h>9/resize:5x,enlarge=true/end/else/resize:6x,enlarge=true/end"
        ),
    ),
    ("if_w_gt_9/if_else/if_h_gt_9,w_5/if_end", "if:w>9/else/if:h>9/resize:5x,enlarge=true/end/end"),
    # what an equal condition guards elsewhere is not hoisted out of it
    (
        "a_auto_right,w_1,h_2/if_ar_gt_1,q_50",
        "if:ar>1/rotate:90/end/resize:1x2,fit=fill,enlarge=true/if:ar>1/quality:50/end",
    ),
    ("if_ar_lt_1/a_90/f_png/if_end", "if:ar<1/rotate:90/format:png/end"),
]

COMPARISONS = [
    ("w_gt_9", "w>9"),
    ("w_gte_9", "w>=9"),
    ("w_lt_9", "w<9"),
    ("w_lte_9", "w<=9"),
    ("w_eq_9", "w=9"),
    ("w_ne_9", "w!=9"),
    ("ar_gt_4:3", "ar>4:3"),
    ("ar_eq_1.5", "ar=1.5"),
    ("iar_lt_1", "iar<1"),
    ("w_gt_iw_div_2", "w>iw:2"),
    ("w_add_10_gt_h_mul_2", "w+10>h*2"),
    ("w_gt_2_and_h_gt_3", "w>2&h>3"),
    ("w_gt_2_or_h_gt_3", "w>2|h>3"),
    ("w_gt_2_or_h_gt_3_and_fc_gt_1", "w>2|h>3&faces>1"),
    ("w_gt_2_and_h_gt_3_or_fc_gt_1", "w>2&h>3|faces>1"),
    ("fc_gte_2", "faces>=2"),
    ("pc_gt_1", "pages>1"),
    ("!sale!_in_tags", "tags~sale"),
    ("!sale:summer!_in_tags", "tags~sale:summer"),
    ("!sale!_nin_tags", "tags!~sale"),
    ("!traffic light!_in_tags", "tags~traffic light"),
    ("!a%252Cb!_in_tags", "tags~'a%2Cb'"),
    ("!1!_in_tags", "tags~'1'"),
    ("tags_in_!a:b!", "'a:b'~(tags)"),
    ("$v_in_tags", "tags~$v"),
    ("tags_in_$v", "$v~(tags)"),
    ("!a!_in_tags_and_w_gt_3", "tags~a&w>3"),
    ("w_gt_3_or_!a!_nin_tags", "w>3|tags!~a"),
    ("!x!_in_ctx:!key!", "ctx@key~x"),
    ("ctx:!key!_eq_!x!", "ctx@key='x'"),
    ("md:!id!_ne_!x!", "md@id!='x'"),
    ("$v_gt_3", "$v>3"),
    ("$v_eq_!x!", "$v='x'"),
    ("w_gt_ow", "w>iw"),
    ("tar_gt_1", "tar>1"),
    ("ils_gt_0.5", "ils>0.5"),
    ("idn_lt_72", "idn<72"),
    ("du_gt_3", "du>3"),
    ("w_gt_$v_div_0", "w>$v:0"),
    ("w_gt_-3", "w>-3"),
]


@pytest.mark.parametrize(("transformation", "native"), GUARDS)
def test_what_a_condition_guards(transformation: str, native: str) -> None:
    assert steps(transformation) == native


@pytest.mark.parametrize(("condition", "native"), COMPARISONS)
def test_comparisons(condition: str, native: str) -> None:
    assert steps(f"if_{condition},w_5") == f"if:{native}/resize:5x,enlarge=true/end"


@pytest.mark.parametrize(
    ("transformation", "code", "component"),
    [
        ("if_end", "stray-condition", "if_end"),
        ("if_else", "stray-condition", "if_else"),
        ("if_else,w_5", "stray-condition", "if_else,w_5"),
        ("if_else/w_5/if_end", "stray-condition", "if_else"),
        ("if_w_gt_9,w_5/if_end/if_end", "stray-condition", "if_end"),
        ("if_w_gt_9,w_5/h_3/if_end", "stray-condition", "if_end"),
        ("if_w_gt_9,w_5/h_3/if_else,w_7", "stray-condition", "if_else,w_7"),
        ("if_w_gt_9,w_5/if_else,w_6/if_else,w_7", "stray-condition", "if_else,w_7"),
        ("if_w_gt_9/w_5/if_else/w_6/if_else/w_7/if_end", "stray-condition", "if_else"),
        ("if_w_gt_9/if_h_gt_9,w_5/if_end/w_6/if_end", "stray-condition", "if_end"),
        ("if_w_gt_9/if_h_gt_9,w_5/if_else,w_6/if_end/if_end", "stray-condition", "if_end"),
        ("if_w_gt_9", "unclosed-condition", "if_w_gt_9"),
        ("if_w_gt_9/w_5", "unclosed-condition", "if_w_gt_9"),
        ("if_w_gt_9/w_5/if_else,w_7", "unclosed-condition", "if_else,w_7"),
        ("if_w_gt_9/if_h_gt_9/w_5/if_end", "unclosed-condition", "if_w_gt_9"),
        ("if_w_gt_9,w_5/if_else/w_7", "unclosed-condition", "if_else"),
        ("if_w_gt_9,if_h_gt_9,w_5", "repeated-key", "if_w_gt_9,if_h_gt_9,w_5"),
        ("if_w_gt_9/w_5/if_end,h_3", "bad-argument", "if_end,h_3"),
        ("if_,w_5", "empty-value", "if_,w_5"),
    ],
)
def test_blocks_that_do_not_fit(transformation: str, code: str, component: str) -> None:
    caught = refused(transformation)
    assert (caught.kind, caught.code) == (Kind.BAD_REQUEST, code)
    assert (caught.details["component"], caught.details["key"]) == (component, "if")


@pytest.mark.parametrize(
    "condition",
    [
        "w", "w_gt", "w_gt_", "w_foo_1", "foo_gt_1", "w_gt_1_gt_2", "w_gt_1_and", "w_gt_1_and_h", "and_w_gt_1",
        "not_w_gt_1", "w_gt_1_2", "!sale_in_tags", "sale_in_tags_", "!a!_in", "in_tags", "$v_add_1_in_tags",
        "!a!_in_tags_add_1", "w_gt_1__and_h_gt_1", "(w_gt_1)", "w_gt_٣",
    ],
)  # fmt: skip
def test_what_is_no_condition(condition: str) -> None:
    caught = refused(f"if_{condition},w_5")
    assert (caught.code, caught.details["key"], caught.details["value"]) == ("bad-expression", "if", condition)


def test_conditions_may_be_nested_sixteen_deep() -> None:
    assert steps("if_w_gt_1/" * 16 + "w_5" + "/if_end" * 16).count("if:") == 16
    caught = refused("if_w_gt_1/" * 17 + "w_5" + "/if_end" * 17)
    assert (caught.code, caught.details["maximum"]) == ("too-many-conditions", 16)

"""Made-up pipelines, requests and paths: what the properties of both dialects are tested on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from server import urls
from server.sources.source import SourceRef
from server.sources.url import canonical_url
from server.urls import cloudinary
from server.urls.paths import LONGEST_PATH
from server.urls.request import Request
from transforms import computed, params
from transforms.expressions import (
    Arithmetic,
    Cast,
    Compared,
    Expression,
    Joined,
    Number,
    Operand,
    Text,
    Variable,
    parts,
)
from transforms.failure import Failure
from transforms.letters.writing import TextBox, Wording
from transforms.pipeline import Else, End, If, Let, Node, Pending, Pipeline, Preset, Step
from transforms.registry import operations
from transforms.words import Grid, Words

from .shared import jsonl
from .test_operations_contract import values as any_value

MOST_PARTS = 24

NAMES = st.sampled_from(["a", "b", "width", "v1"])
MEASURED = st.sampled_from(["w", "h", "ar", "iw", "ih", "iar", "faces", "pages", "tags"])


def _lengths() -> st.SearchStrategy[Any]:
    return st.integers(1, 8192) | st.integers(1, 9999).map(lambda n: n / 1000)


def _dimensions() -> st.SearchStrategy[Any]:
    return st.builds(params.Dimensions, _lengths(), st.none() | _lengths()) | st.builds(
        params.Dimensions, st.none(), _lengths()
    )


def _gravities(kind: params.Gravity) -> st.SearchStrategy[Any]:
    fraction = st.integers(0, 100).map(lambda n: n / 100)
    points = st.builds(params.Focus, fraction, fraction) if kind.places else st.nothing()
    chains = ["cat:dog", "face:auto", "cat:auto:dog_20:person_avoid"] if kind.things else []
    wishes = ["auto:cat", "auto:no_faces:person_avoid", "auto:text_30"] if kind.auto else []
    return (st.sampled_from([*kind.words, *chains, *wishes]) if kind.words else st.nothing()) | points


def _corners(kind: params.Corners) -> st.SearchStrategy[Any]:
    radii = st.integers(kind.radius.least, kind.radius.most)
    return st.just("max") | st.lists(radii, min_size=1, max_size=4).map(tuple)


VALUES: dict[type, Callable[[Any], st.SearchStrategy[Any]]] = {
    params.Int: lambda kind: st.integers(kind.least, kind.most),
    params.Float: lambda kind: st.floats(kind.least, kind.most, allow_nan=False),
    params.Choice: lambda kind: st.sampled_from(kind.values),
    params.Flag: lambda kind: st.booleans(),
    params.Offset: lambda kind: st.integers(-60, 60) | st.integers(-4000, 4000).map(lambda n: n / 1000),
    params.WxH: lambda kind: _dimensions(),
    params.Aspect: lambda kind: st.builds(Fraction, st.integers(1, 50), st.integers(1, 50)),
    params.ColourText: lambda kind: st.builds(params.Colour, *[st.integers(0, 255)] * 4),
    params.Gravity: _gravities,
    params.BackdropText: lambda kind: st.sampled_from(
        ["red", "00ff0080", "auto", "auto:predominant_gradient:4:vertical:palette_red_blue", "blurred:400:15"]
    ).map(kind.parse),
    params.IntOr: lambda kind: st.sampled_from(kind.words) | st.integers(kind.number.least, kind.number.most),
    params.Corners: _corners,
    Words: lambda kind: st.sets(st.sampled_from(kind.values), min_size=1).map(
        lambda words: tuple(word for word in kind.values if word in words)
    ),
    Grid: lambda kind: st.tuples(st.integers(1, kind.most), st.integers(1, kind.most)),
}
"""Values of each parameter type; a type that is not named here takes some of its operation's example texts, or what the
contract of operations makes of it."""

EXAMPLES: dict[str, list[str]] = {
    "page": ["2", "2-4;6"],
    "fallback": ["none.png", "avatars:none.png", "a%2Cb"],
    "max-bytes": ["100", "50kB", "1.5MB"],
    "download": ["a.b", "Ümläut c"],
}


NAMED = st.sampled_from(["thumb", "Resized Artwork", "a_b-c", "ü,x"]).map(Preset)


def expressions() -> st.SearchStrategy[Expression]:
    numbers = st.integers(0, 999).map(lambda n: Number(float(n))) | st.integers(1, 999).map(
        lambda n: Number(n / 100, decimal=True)
    )
    texts = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=6).map(Text)
    atoms = numbers | texts | NAMES.map(Variable) | MEASURED.map(Operand)
    return st.recursive(
        atoms,
        lambda inner: (
            st.builds(Arithmetic, st.sampled_from(["+", "-", "*", ":", "mod", "^"]), inner, inner)
            | st.builds(Cast, st.sampled_from(["int", "float"]), inner)
        ),
        max_leaves=4,
    ).filter(_is_short)


def _is_short(tree: Any) -> bool:
    """Far from the bounds of an expression, which other tests are about."""
    return sum(1 for _ in parts(tree)) <= MOST_PARTS


def conditions() -> st.SearchStrategy[Any]:
    signs = st.sampled_from(["=", "!=", "<", ">", "<=", ">=", "~", "!~"])
    compared = st.builds(Compared, signs, expressions(), expressions())
    # As precedence reads them: what is joined by `&` has no `|` in it, and both lean left.
    both = st.lists(compared, min_size=1, max_size=3).map(lambda listed: _chained("&", listed))
    either = st.lists(both, min_size=1, max_size=2).map(lambda listed: _chained("|", listed))
    return either.filter(_is_short)


def _chained(sign: str, listed: list[Any]) -> Any:
    tree = listed[0]
    for part in listed[1:]:
        tree = Joined(sign, tree, part)
    return tree


@st.composite
def steps(draw: st.DrawFn, names: Sequence[str] = (), depth: int = 0) -> Step:
    """Of these operations, or of all; layers with steps of their own."""
    operation = operations()[draw(st.sampled_from(names or sorted(operations())))]
    values = {}
    for argument in operation.arguments:
        if argument.required or draw(st.booleans()):
            values[argument.name] = draw(_argument(operation.name, argument.type))
    step = Step.of(operation.name, **values)
    return replace(step, inner=draw(_layers(depth + 1))) if operation.opens else step


def _layers(depth: int) -> st.SearchStrategy[Pipeline]:
    """The steps of a layer, in which nothing is said of sending."""
    names = [name for name, operation in operations().items() if operation.level not in ("output", "report")]
    inner = steps([name for name in names if depth < 3 or not operations()[name].opens], depth)
    return st.lists(inner | NAMED, max_size=2).map(lambda nodes: Pipeline(tuple(nodes)))


def _argument(operation: str, kind: Any) -> st.SearchStrategy[Any]:
    if type(kind) in VALUES:
        plain = VALUES[type(kind)](kind).map(lambda value: kind.parse(kind.print(value)))
    elif operation in EXAMPLES:
        plain = st.sampled_from(EXAMPLES[operation]).map(kind.parse)
    else:
        plain = any_value(kind, False).map(lambda value: kind.parse(kind.print(value)))
    if isinstance(kind, Wording):
        named = NAMES.map(Variable)
        return (
            plain
            | st.tuples(plain, named, named, plain).map(computed.interpolated)
            | named.map(lambda variable: computed.interpolated([variable]))
        )
    if not computed.takes_expressions(kind):
        return plain
    between = "({})x" if isinstance(kind, params.WxH | TextBox) else "({})"
    worked = expressions().map(lambda tree: computed.read(between.format(tree)))
    return plain | worked


def blocks(inner: st.SearchStrategy[list[Node]]) -> st.SearchStrategy[list[Node]]:
    plain = st.builds(lambda condition, nodes: [If(condition), *nodes, End()], conditions(), inner)
    return plain | st.builds(
        lambda condition, nodes, others: [If(condition), *nodes, Else(), *others, End()], conditions(), inner, inner
    )


def pipelines() -> st.SearchStrategy[Pipeline]:
    """Of all kinds of nodes, conditions in each other."""
    pending = st.sampled_from(["e_art:hokusai", "e_gen_remove:prompt_(a%2Cb)", "l_lut:a:b.cube", "g_adv_eyes", "f_svg"])
    nodes = steps() | st.builds(Let, NAMES, expressions()) | NAMED | pending.map(Pending)
    flat = st.lists(nodes, max_size=4)
    nested = st.recursive(flat, lambda inner: blocks(inner) | st.builds(lambda a, b: a + b, inner, inner), max_leaves=4)
    return nested.map(lambda listed: Pipeline(tuple(listed)))


def _folder_names() -> st.SearchStrategy[str]:
    named = st.text(st.characters(exclude_categories=["C"], exclude_characters="/:"), min_size=1, max_size=12)
    return named.filter(lambda name: name not in (".", ".."))


def sources() -> st.SearchStrategy[SourceRef]:
    paths = st.lists(_folder_names(), min_size=1, max_size=4).map("/".join)
    remote = st.tuples(st.sampled_from(["http", "https"]), paths, st.just("") | _folder_names())
    urls_ = remote.map(lambda parts: canonical_url(f"{parts[0]}://host.example/{parts[1]}?{parts[2]}"))
    return st.one_of(
        paths.map(lambda path: SourceRef("file", path)),
        paths.map(lambda path: SourceRef("id", path)),
        urls_.map(lambda url: SourceRef(url.partition(":")[0], url)),
    )


def requests() -> st.SearchStrategy[Request]:
    return st.builds(Request, pipelines(), sources())


TRANSFORMATIONS = """
c_fill,w_100,h_50,g_auto/f_auto,q_auto/a_10.hflip
c_fill,w_300,r_30,q_auto,f_auto,e_sepia
w_100%2Ch_100%2Cc_fit
ar_16:9,c_crop,g_face,w_0.5/dpr_2.0
c_thumb,g_cat:dog:auto,w_90,h_90,z_0.7
c_fill,g_auto:person_100:cat_avoid,w_9,h_9
c_crop,g_xy_center,x_50,y_60,w_100,h_100
c_crop,x_-10,y_20p,w_0.5,h_0.5
c_mpad,b_auto:border_gradient:4:vertical:palette_red_green,w_9,h_9
c_pad,b_blurred:400:15,w_9,h_9,g_south
c_fill_pad,g_auto,w_iw_div_2,h_ih_mul_0.5
w_auto:100:400,dpr_auto,c_limit
w_auto:breakpoints_100_1900_20_15:json
a_auto_right,c_fill,w_100,h_200
a_-12.5,b_rgb:ff000080/o_50
r_10:20:30:40,bo_5px_solid_rgb:00f8
r_max,bo_$(w)px_solid_$c
$v0_5/$v1_$v0_mul_2/w_$v1
$s_!iLL_!,w_10
$foo_!one:two!/$bar_ref:!folder:id!/$baz_!10!_to_i
$x_!a%252Cb%252Fc!/l_text:Arial_20:$(x)
if_w_gt_100,c_scale,w_50/if_else,c_scale,w_80
if_w_gt_100_and_ar_lt_4:3_or_fc_gte_2/w_50/if_else/r_3/if_end
if_!sale:summer!_in_tags/if_h_lte_9,w_5/if_else,w_6/if_end
if_ctx:!key!_eq_!x!,t_small/if_else,t_large
if_iw_mul_2_sub_10_gt_ih_pow_2_mod_7,w_9
l_logo,w_100,g_south_east,x_5,y_5
l_folder:logo.png/w_0.5,fl_relative/e_sepia/fl_layer_apply,g_north,x_3
l_text:Times%20New%20Roman_90_bold_letter_spacing_4:Cool%252C%250Atext%252F,co_red
l_fetch:aHR0cHM6Ly9ob3N0LmV4YW1wbGUvYS5qcGc=/fl_layer_apply,fl_no_overflow
u_background,c_fill,w_100/fl_layer_apply
e_blur:300/e_grayscale,co_red/e_brightness:-20
e_blur_region:500,x_10,y_10,w_50,h_50
e_tint:50:red:10p:blue:30p
e_dropshadow:azimuth_10;elevation_20;spread_5
e_gen_remove:prompt_(a;b);multiple_true
e_distort:40:25:280:60:260:155:35:165
e_recolor:0.3:0.7:0.1:0.3:0.6:0.1:0.2:0.5:0.1
e_replace_color:2F4F4F:20:fff
e_art:hokusai/e_cartoonify:70:bw
e_trim:20:white/e_outline:inner:15:200,co_rgb:123456
q_auto:good:444,f_auto/fl_progressive:steep
q_80:420/f_jpg/fl_lossy.immutable_cache
fl_attachment:my%252Ename.png8
fl_getinfo/c_fill,ar_1:1,g_auto
fl_keep_iptc.keep_attribution/cs_tinysrgb
pg_2-4;6;8/dl_100/fl_animated
pg_name:layer1;layer2/dn_300
d_folder:avatar.png,w_9
t_Resized%20Artwork/t_one.two,w_9
bl_base/c_imagga_scale
s--AAAAAAAA--/w_9
zz_10,w_100
w_100,,h_100
fn_wasm:blur.wasm
so_1.5,vc_h264
w_٣٠٠
w_99999999999999999999999999
c_fill,g_norht,w_9
""".strip().splitlines()


def seeds() -> list[str]:
    """Paths to begin from: the strings above, all of the samples where they are at hand, and some of our own."""
    texts = [*TRANSFORMATIONS, *(str(row["t"]) for row in jsonl("corpus.jsonl"))]
    ours = [
        "/resize:400x300,fit=cover/blur:3/-/bus.jpg",
        "/face-crop:20x20/https%3A%2F%2Fhost.example%2Fa.jpg?x=1",
        "/let:half=w:2/if:faces>0&tags~dog/resize:($half)x/else/preset:x/end/-/a/b.jpg",
        "/crop:9x9,x=(-iw:4)/cloudinary:e_art:fes/round:(int('3')):2/id:a",
        "/overlay:marks:logo.png,gravity=faces,x=(bw:9)/resize:(rw:2)x/overlay:($l)/text:a$(b)%252C,box=(bw)x/end/end/id:a",
    ]
    paths = [f"/demo/image/upload/{text}/v1/a.jpg".encode().decode("latin-1") for text in texts]
    return [*paths, *(str(row["path"]).encode().decode("latin-1") for row in jsonl("bad.jsonl")), *ours]


PIECES = [
    "", "%", "%2", "%00", "%ff", "%25", "%2C", "%2F", "_", ",", "/", ":", ".", "-", "9", "$", "!", "(", ")", "'", "~",
    "&", "|", "@", "=", "if_", "if_else", "/if_end", "_mul_", "_in_tags", "$a_", "l_", "fl_layer_apply", "w_",
]  # fmt: skip
"""What mutations put in: the signs and words that mean something."""


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """A path of the samples with a few characters cut out, doubled or replaced."""
    text = draw(st.sampled_from(seeds()))
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = min(len(text), begin + draw(st.integers(0, 4)))
        middle = draw(st.sampled_from([text[begin:end] * 2, *PIECES]))
        text = text[:begin] + middle + text[end:]
    return text


def checked(path: str, query: str = "") -> Request | None:
    """The request of a path, every promise about it kept; None where it is refused. All but a Failure is a fault."""
    try:
        request = urls.parse(path, query)
    except Failure as failure:
        return None if failure.code and failure.message else request
    canonical = urls.canonical(request)
    if len(canonical) > LONGEST_PATH:  # escapes may make a path of nearly that length longer
        return request
    assert urls.parse(canonical) == request
    assert urls.canonical(urls.parse(canonical)) == canonical
    assert Pipeline.parse(str(request.pipeline)) == request.pipeline
    try:
        printed = cloudinary.print(request)
    except Failure as failure:
        if failure.code != "not-expressible":
            raise
        return request
    assert urls.parse(printed) == request
    return request

// Layers as pages build them with @cloudinary/url-gen, and where they must be, as a JSON list on stdout.
//
// An entry is {name, url, plain, …}: `plain` is the same picture without the layer. What may follow: box (what differs,
// in pixels: left, top, width, height), inside (where it does at most), size, ink (the colour in the middle of it, as hex
// text), colours (by "x,y" as fractions), copies (how many regions differ), asks (a path of the origin that was fetched),
// writing (what is written there, in the words of transforms.writing), status and code of a refusal.

const { Cloudinary, Transformation } = require("@cloudinary/url-gen");
const { fill, fit, scale } = require("@cloudinary/url-gen/actions/resize");
const { opacity } = require("@cloudinary/url-gen/actions/adjust");
const { ifCondition } = require("@cloudinary/url-gen/actions/conditional");
const { grayscale, shadow } = require("@cloudinary/url-gen/actions/effect");
const { byAngle } = require("@cloudinary/url-gen/actions/rotate");
const { max } = require("@cloudinary/url-gen/actions/roundCorners");
const { solid } = require("@cloudinary/url-gen/actions/border");
const { name: named } = require("@cloudinary/url-gen/actions/namedTransformation");
const { set, setString } = require("@cloudinary/url-gen/actions/variable");
const overlay = require("@cloudinary/url-gen/actions/overlay").source;
const underlay = require("@cloudinary/url-gen/actions/underlay").source;
const blend = require("@cloudinary/url-gen/qualifiers/blendMode");
const { compass, focusOn } = require("@cloudinary/url-gen/qualifiers/gravity");
const { FocusOn } = require("@cloudinary/url-gen/qualifiers/focusOn");
const { Position } = require("@cloudinary/url-gen/qualifiers/position");
const { fetch, image, text, video } = require("@cloudinary/url-gen/qualifiers/source");
const { size: box } = require("@cloudinary/url-gen/qualifiers/textFit");
const stroke = require("@cloudinary/url-gen/qualifiers/textStroke").solid;
const { TextStyle } = require("@cloudinary/url-gen/qualifiers/textStyle");

const { host, origin } = JSON.parse(process.argv[2]);
const here = new Cloudinary({ cloud: { cloudName: "demo" }, url: { secure: false, cname: host, analytics: false } });
const paper = () => here.image("paper").format("png"); // white, 400 × 300
const quarters = () => here.image("photo").format("png").resize(scale(400)); // 400 × 300
const people = () => here.image("people").format("png"); // 1280 × 720, with two faces
const logo = () => here.image("logo").format("png"); // 200 × 100, a red disc on nothing
const mark = () => image("marks/ink"); // 40 × 20, magenta
const at = (name) => new Position().gravity(compass(name));
const step = () => new Transformation();

const found = [];
const add = (name, base, act, more) => found.push({ name, url: act(base()).toURL(), plain: base().toURL(), ...more });
const laid = (name, layer, more, base = paper) => add(name, base, (picture) => picture.overlay(layer), more);
const changed = (name, change, more, place) => {
  const layer = overlay(mark().transformation(change));
  laid(name, place ? layer.position(place) : layer, more);
};
const refused = (name, layer, status, code) =>
  found.push({ name, url: paper().overlay(layer).toURL(), status, code });

// Places
const INK = "ff00ff";
laid("a mark", overlay(mark()), { box: [180, 140, 40, 20], ink: INK });
laid("a mark with its extension", overlay(image("marks/ink").format("png")), { box: [180, 140, 40, 20], ink: INK });
for (const [name, left, top] of [
  ["north_west", 10, 15], ["north", 190, 15], ["north_east", 350, 15], ["west", 10, 155], ["center", 190, 155],
  ["east", 350, 155], ["south_west", 10, 265], ["south", 190, 265], ["south_east", 350, 265],
]) {
  laid(`a mark in the ${name}`, overlay(mark()).position(at(name).offsetX(10).offsetY(15)),
    { box: [left, top, 40, 20], ink: INK });
}
laid("a mark at a fraction", overlay(mark()).position(at("north_west").offsetX(0.25).offsetY("0.1")),
  { box: [100, 30, 40, 20] });
laid("a mark that is worked out", overlay(mark()).position(at("north_west").offsetX("w_div_4").offsetY("$high")),
  { box: [100, 50, 40, 20] }, () => paper().addVariable(set("high", 50)));
laid("a mark past the edge", overlay(mark()).position(at("west").offsetX(-30)), { size: [430, 300] });
laid("a mark cut by the edge", overlay(mark()).position(at("west").offsetX(-30).allowOverflow(false)),
  { box: [0, 140, 10, 20], ink: INK });
laid("marks all over", overlay(mark()).position(new Position().tiled()), { box: [0, 0, 400, 300], ink: INK });
laid("on each face", overlay(mark()).position(new Position().gravity(focusOn(FocusOn.faces()))), { copies: 2 }, people);
laid("on the largest face", overlay(mark()).position(new Position().gravity(focusOn(FocusOn.face()))),
  { copies: 1, inside: [460, 0, 640, 600] }, people);
laid("as large as each face", overlay(mark().transformation(step().resize(fill("1.0", "1.0").regionRelative()))).position(
  new Position().gravity(focusOn(FocusOn.faces()))), { copies: 2, inside: [400, 0, 700, 500] }, people);

// What is done to the layer alone
changed("scaled", step().resize(scale(80)), { box: [160, 130, 80, 40], ink: INK });
changed("turned", step().rotate(byAngle(90)), { box: [190, 130, 20, 40], ink: INK });
changed("in several steps", step().resize(scale(100)).rotate(byAngle(90)).resize(fill(30, 60)),
  { box: [185, 120, 30, 60], ink: INK });
changed("faint", step().adjust(opacity(50)), { box: [180, 140, 40, 20], ink: "ff7fff" });
changed("gray", step().effect(grayscale()), { box: [180, 140, 40, 20], ink: "696969" });
changed("round", step().resize(fill(60, 60)).roundCorners(max()), { box: [170, 120, 60, 60], ink: INK });
changed("with a border", step().border(solid(5, "blue")), { box: [175, 135, 50, 30], ink: INK });
changed("with a shadow", step().effect(shadow(80).offsetX(20).offsetY(20)), { colours: { "0.46,0.45": INK }, inside: [150, 110, 120, 100] });
changed("as wide as half the picture", step().resize(scale(0.5).relative()), { box: [100, 100, 200, 100], ink: INK });
changed("a fraction of itself", step().resize(scale(0.5)), { box: [190, 145, 20, 10], ink: INK });
changed("named", step().namedTransformation(named("small one")), { box: [180, 140, 40, 20], ink: INK });
changed("under a condition", step().conditional(ifCondition("w < 100", step().resize(scale(100)))),
  { box: [150, 125, 100, 50], ink: INK });
laid("as wide as a variable", overlay(mark().transformation(step().resize(scale("$wide")))),
  { box: [150, 125, 100, 50], ink: INK }, () => paper().addVariable(set("wide", 100)));
changed("a layer on the layer", step().resize(scale(200)).overlay(overlay(image("logo")).position(at("north_west"))),
  { box: [100, 100, 200, 100], ink: "dc1414" });
changed("a text on the layer", step().resize(scale(300)).overlay(overlay(text("MM", new TextStyle("Arial", 90)))),
  { box: [50, 75, 300, 150] });

// How it is mixed
const CORNER = at("north_west").offsetX(20).offsetY(20);
for (const [mode, ink] of [["multiply", "dc0014"], ["screen", "ff14ff"], ["overlay", "ff0028"]]) {
  laid(`mixed by ${mode}`, overlay(mark()).position(CORNER).blendMode(blend[mode]()),
    { box: [20, 20, 40, 20], ink }, quarters);
}
laid("not to be removed", overlay(mark()).position(CORNER).blendMode(blend.antiRemoval(80)), { inside: [10, 10, 60, 40] },
  quarters);
laid("a mask", overlay(image("avatars/none").transformation(step().resize(fill(400, 300)))).blendMode(blend.mask()),
  { colours: { "0.1,0.1": "clear", "0.36,0.1": "red" } }, quarters);

// Below
const below = (name, layer, more, base = logo) => add(name, base, (picture) => picture.underlay(layer), more);
const wide = () => mark().transformation(step().resize(fill(200, 100)));
below("a ground", underlay(wide()), { colours: { "0.1,0.1": "ff00ff", "0.5,0.5": "red", "0.9,0.9": "ff00ff" } });
below("a ground as large as the picture", underlay(mark().transformation(step().resize(fill("1.0", "1.0").relative()))),
  { colours: { "0.1,0.1": "ff00ff", "0.5,0.5": "red", "0.9,0.9": "ff00ff" } });
below("a ground in a corner", underlay(mark()).position(at("south_east")), { box: [160, 80, 40, 20] });
below("a ground below all", underlay(mark()), { same: true }, quarters);

// Of the web
laid("fetched", overlay(fetch(`${origin}/remote/mark.png`)), { box: [185, 135, 30, 30], ink: "00c8ff",
  asks: "/remote/mark.png" });
laid("fetched with a format", overlay(fetch(`${origin}/remote/mark.png?size=a%2Fb`).format("png")),
  { box: [185, 135, 30, 30], ink: "00c8ff", asks: "/remote/mark.png?size=a%2Fb" });
below("fetched below", underlay(fetch(`${origin}/remote/mark.png`)).position(at("west")), { box: [0, 35, 30, 30] });

// Under a condition
const onlyIf = (condition, then) => (picture) => picture.conditional(ifCondition(condition, then));
add("if it is so", paper, onlyIf("w > 300", step().overlay(overlay(mark()))), { box: [180, 140, 40, 20], ink: INK });
add("if it is not so", paper, onlyIf("w > 500", step().overlay(overlay(mark()))), { same: true });
add("otherwise", paper, (picture) => picture.conditional(ifCondition("w > 500", step().overlay(overlay(image("none"))))
  .otherwise(step().overlay(overlay(mark()).position(at("north_west"))))), { box: [0, 0, 40, 20], ink: INK });
add("if it is so, of words", paper, (picture) => picture.addVariable(setString("word", "Yes")).conditional(ifCondition(
  "$word = !Yes!", step().overlay(overlay(text("$(word)", new TextStyle("Arial", 60)))))),
{ writing: { words: "Yes", size: 60 } });

refused("no such layer", overlay(image("marks/none")), 404, "layer-not-found");
refused("a moving layer", overlay(video("dog")), 400, "unsupported-layer");
refused("a layer from elsewhere", overlay(fetch("https://example.com/a.png")), 403, "source-not-allowed");

// Text
const style = (font = "Arial", size = 40) => new TextStyle(font, size);
const written = (name, words, look, writing, source = (made) => made, place) => {
  const layer = overlay(source(text(words, look)));
  laid(`text: ${name}`, place ? layer.position(place) : layer, { writing: { words, font: "Arial", size: 40, ...writing } });
};
written("plain", "Hello", style(), {});
written("large", "Hello", style("Arial", 90), { size: 90 });
written("colour", "Hello", style(), { color: "#ff8800" }, (made) => made.textColor("#ff8800"));
written("half clear", "Hello", style(), { color: "#0000ff80" }, (made) => made.textColor("#0000ff80"));
written("named colour on a ground", "Hello", style(), { color: "white", background: "green" },
  (made) => made.textColor("white").backgroundColor("green"));
for (const [name, weight] of [["light", 300], ["bold", 700], ["black", 900], ["extrabold", 800], ["800", 800]]) {
  written(`weight ${name}`, "Hello", style().fontWeight(name), { weight });
}
written("weight normal", "Hello", style().fontWeight("normal"), {});
written("italic", "Hello", style().fontStyle("italic"), { italic: true });
written("bold italic", "Hello", style("Times New Roman", 50).fontWeight("bold").fontStyle("italic"),
  { font: "Times New Roman", size: 50, weight: 700, italic: true });
written("underline", "Hello", style().textDecoration("underline"), { underline: true });
written("strikethrough", "Hello", style().textDecoration("strikethrough"), { strikethrough: true });
for (const align of ["left", "center", "right", "start", "end", "justify"]) {
  written(`align ${align}`, "Hello\nto everybody", style("Verdana", 30).textAlignment(align),
    { font: "Verdana", size: 30, align });
}
written("letter spacing", "Hello", style().letterSpacing(12), { letter_spacing: 12 });
written("line spacing", "One\ntwo", style().lineSpacing(-12.5), { line_spacing: -12.5 });
written("antialias none", "Hello", style().fontAntialias("none"), { antialias: "none" });
written("antialias and hinting", "Hello", style().fontAntialias("best").fontHinting("slight"),
  { antialias: "best", hinting: "slight" });
written("stroke", "Hello", style("Arial", 60).stroke(stroke(3, "red")),
  { size: 60, stroke: 3, stroke_color: "red", color: "white" }, (made) => made.textColor("white"));
written("stroke of hex", "Hello", style("Arial", 60).stroke(stroke(5, "rgb:00f")).letterSpacing(3),
  { size: 60, stroke: 5, stroke_color: "#0000ff", letter_spacing: 3 });
written("stroke without a width", "Hello", style().stroke(), {});
const LONG = "The quick brown fox jumps over the lazy dog";
written("box", LONG, style("Georgia", 30), { font: "Georgia", size: 30, box: [200, null] }, (made) => made.textFit(box(200)));
written("box that is too low", LONG, style("Georgia", 30).textAlignment("center"),
  { font: "Georgia", size: 30, box: [200, 70], align: "center" }, (made) => made.textFit(box(200, 70)));
written("box, by a method", LONG, style("Arial", 24), { size: 24, box: [150, 60] },
  (made) => made.textFit(box(150).height(60)));
laid("text: scaled with c_fit", overlay(text("Hello", style("Arial", 100)).transformation(step().resize(fit(90, 90)))),
  { inside: [150, 120, 100, 60] });
laid("text: in a corner", overlay(text("Hello", style())).position(at("south_east").offsetX(5).offsetY(5)),
  { inside: [280, 250, 115, 45] });
laid("text: turned", overlay(text("Hello", style("Arial", 60)).transformation(step().rotate(byAngle(90)))),
  { inside: [170, 50, 60, 200] });
laid("text: below", underlay(text("MM", style("Arial", 90)).textColor("blue")).setLayerType("u"), { inside: [0, 10, 200, 80] },
  logo);

// What stands in a text. What is written is escaped by the builder as far as it goes: a `#` or a `?` is for the page.
const NAMES = {
  "comma and slash": "a, b/c, d", percent: "100% or 50% off", "percent and digits": "5%2 %zz %", emoji: "Hi 😀 ❤️ 👍🏽",
  quotes: "\"so\" 'it' “is”", dollars: "$5 a$b $", colons: "a:b::c", "new line": "one\ntwo", semicolons: "a;b=c+d&e",
  brackets: "(x) [y] {z} <w>", backslash: "a\\b|c", umlauts: "Größe façade", dots: "../../etc/passwd ...", tilde: "~!@*^`",
  arabic: "مرحبا بالعالم", hebrew: "שלום עולם", devanagari: "नमस्ते दुनिया", chinese: "你好，世界", japanese: "こんにちは世界",
  korean: "안녕하세요", thai: "สวัสดีชาวโลก", mixed: "abc שלום 123 مرحبا", greek: "Ελληνικά", cyrillic: "Привет, мир",
};
for (const [name, words] of Object.entries(NAMES)) {
  written(`of ${name}`, words, style("Arial", 36), { size: 36 });
}
// Escaped once more by the page, as the documentation of the builder says for what a path cannot hold
for (const [name, words] of Object.entries({ hash: "#1 of #2", question: "who? me?", "a variable's sign": "$(name)" })) {
  laid(`text: of ${name}, escaped`, overlay(text(encodeURIComponent(words).replace(/[()]/g, escape), style())),
    { writing: { words } });
}
laid("text: of a variable", overlay(text("Hello $(name)!", style())), { writing: { words: "Hello wörld, all!" } },
  () => paper().addVariable(setString("name", "wörld, all")));
laid("text: as large as a variable", overlay(text("Hello", new TextStyle("Arial", "$size"))),
  { writing: { words: "Hello", size: 70 } }, () => paper().addVariable(set("size", 70)));
refused("text: of no variable", overlay(text("Hello $(nobody)", style())), 400, "undefined-variable");
refused("text: of no font", overlay(text("Hello", new TextStyle("Ariel Sans", 20))), 400, "unknown-font");

console.log(JSON.stringify(found));

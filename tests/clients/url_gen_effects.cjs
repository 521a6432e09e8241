// Effects as pages build them with @cloudinary/url-gen, and what tells that they are there, as a JSON list on stdout.
//
// An entry is {name, url, plain, …}: `plain` is the same picture without the effect. What may follow: size (where it is
// another one), grows and shrinks (measures of signs.py, separated by blanks), same (nothing is to be mended), box (the only region that changes: left,
// top, right, bottom as fractions), colours (by "x,y" as fractions), levels (of transparency that there are), code and
// status of a refusal.

const { Cloudinary } = require("@cloudinary/url-gen");
const { scale } = require("@cloudinary/url-gen/actions/resize");
const adjust = require("@cloudinary/url-gen/actions/adjust");
const effect = require("@cloudinary/url-gen/actions/effect");
const reshape = require("@cloudinary/url-gen/actions/reshape");
const { ditherer, ...ditherers } = require("@cloudinary/url-gen/qualifiers/dither");
const { simulateColorBlind, ...blindness } = require("@cloudinary/url-gen/qualifiers/simulateColorBlind");
const fade = require("@cloudinary/url-gen/qualifiers/GradientFade");
const improve = require("@cloudinary/url-gen/qualifiers/improveMode");
const outline = require("@cloudinary/url-gen/qualifiers/outlineMode");
const region = require("@cloudinary/url-gen/qualifiers/region");
const source = require("@cloudinary/url-gen/qualifiers/source");
const { Position } = require("@cloudinary/url-gen/qualifiers/position");

const { host } = JSON.parse(process.argv[2]);
const here = new Cloudinary({ cloud: { cloudName: "demo" }, url: { secure: false, cname: host, analytics: false } });

const people = () => here.image("people").format("png").resize(scale(320)); // 320 × 180
const whole = () => here.image("people").format("png"); // 1280 × 720, so that nothing else changes where one region does
const quarters = () => here.image("photo").format("png").resize(scale(200)); // 200 × 150
const logo = () => here.image("logo").format("png"); // 200 × 100
const dull = () => people().adjust(adjust.contrast(-70));
const dark = () => people().adjust(adjust.brightness(-60));

const found = [];
const add = (name, base, act, more = {}) =>
  found.push({ name, url: act(base()).toURL(), plain: base().toURL(), ...more });
const adjusted = (name, base, action, more) => add(name, base, (image) => image.adjust(action), more);
const effected = (name, base, action, more) => add(name, base, (image) => image.effect(action), more);
const reshaped = (name, base, action, more) => add(name, base, (image) => image.reshape(action), more);

// Light
adjusted("brightness", people, adjust.brightness(), { grows: "light" });
adjusted("less brightness", people, adjust.brightness(-60), { shrinks: "light" });
adjusted("brightness, by a method", people, adjust.brightness().level(30), { grows: "light" });
adjusted("brightnessHSB", people, adjust.brightnessHSB(50), { grows: "light" });
adjusted("less brightnessHSB", people, adjust.brightnessHSB(-50), { shrinks: "light" });
adjusted("contrast", people, adjust.contrast(60), { grows: "contrast" });
adjusted("less contrast", people, adjust.contrast(-60), { shrinks: "contrast" });
adjusted("contrast by a curve", people, adjust.contrast(60).functionType("sigmoidal"), { grows: "contrast" });
adjusted("contrast by a line", people, adjust.contrast(60).functionType("linear"), { grows: "contrast" });
adjusted("gamma", people, adjust.gamma(80), { grows: "light" });
adjusted("less gamma", people, adjust.gamma(-40), { shrinks: "light" });
adjusted("autoBrightness", dark, adjust.autoBrightness(), { grows: "light" });
adjusted("autoContrast", dull, adjust.autoContrast(), { grows: "contrast" });
adjusted("autoContrast in part", dull, adjust.autoContrast().blend(60), { grows: "contrast" });
// Gray under an orange lamp
const lit = () => here.image("detail").format("png").resize(scale(320)).adjust(adjust.saturation(-90))
  .adjust(adjust.recolor([[1, 0, 0], [0, 0.9, 0], [0, 0, 0.75]]));
adjusted("autoColor", lit, adjust.autoColor(), { grows: "blue" });
adjusted("autoColor in part", lit, adjust.autoColor().blend(60), { grows: "blue" });
adjusted("fillLight", people, adjust.fillLight(), { grows: "light" });
adjusted("fillLight with a bias", people, adjust.fillLight().blend(70).bias(20), { grows: "light" });
adjusted("improve", dull, adjust.improve(), { grows: "contrast" });
adjusted("improve indoors", dull, adjust.improve().mode(improve.indoor()).blend(80), { grows: "contrast" });
adjusted("opacity", quarters, adjust.opacity(30), { grows: "clear", levels: [77] });
adjusted("opacityThreshold", () => quarters().adjust(adjust.opacity(40)), adjust.opacityThreshold(50), { levels: [0] });
adjusted("opacityThreshold that is low", () => quarters().adjust(adjust.opacity(40)), adjust.opacityThreshold(20),
  { colours: { "0.2,0.2": "red", "0.8,0.8": "yellow" }, levels: [255] });

// Colour
adjusted("saturation", people, adjust.saturation(70), { grows: "colour" });
adjusted("no saturation", people, adjust.saturation(-100), { shrinks: "colour" });
adjusted("hue", quarters, adjust.hue(100), { colours: { "0.2,0.7": "yellow", "0.8,0.7": "blue" } });
adjusted("vibrance", people, adjust.vibrance(80), { grows: "colour" });
adjusted("red", people, adjust.red(60), { grows: "red" });
adjusted("less green", people, adjust.green(-60), { shrinks: "green" });
adjusted("blue", people, adjust.blue(60), { grows: "blue" });
adjusted("tint", people, adjust.tint("100:red:blue:yellow"), { grows: "colour" });
adjusted("tint with positions", people, adjust.tint("equalize:80:blue:0p:green:100p"), { shrinks: "red" });
adjusted("tint without words", people, adjust.tint(), {});
adjusted("replaceColor", quarters, adjust.replaceColor("blue").tolerance(20).fromColor("#dc1414"),
  { grows: "blue", box: [0, 0, 0.51, 0.51] });
adjusted("replaceColor by itself", quarters, adjust.replaceColor("#ff00ff"), { shrinks: "green" });
const SWAP = [[0, 0, 1], [0, 1, 0], [1, 0, 0]];
adjusted("recolor", quarters, adjust.recolor(SWAP), { colours: { "0.2,0.2": "blue", "0.2,0.8": "red" } });
adjusted("recolor with alpha", quarters,
  adjust.recolor([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0.5]]), { grows: "clear", levels: [127, 128] });
effected("grayscale", people, effect.grayscale(), { shrinks: "colour" });
effected("sepia", people, effect.sepia(), { grows: "red" });
effected("sepia, a little", people, effect.sepia(40), { grows: "red" });
effected("blackwhite", people, effect.blackwhite(), { shrinks: "colours", grows: "contrast" });
effected("blackwhite, low", people, effect.blackwhite(20), { shrinks: "colours", grows: "light" });
effected("blackwhite, by a method", people, effect.blackwhite().threshold(80), { shrinks: "colours light" });
effected("negate", quarters, effect.negate(), { colours: { "0.2,0.2": "23ebeb", "0.2,0.8": "yellow" } });
effected("colorize", quarters, effect.colorize(100).color("#0000ff"),
  { colours: { "0.2,0.2": "blue", "0.8,0.2": "blue", "0.8,0.8": "blue" } });
effected("colorize by half", people, effect.colorize(50).color("blue"), { grows: "blue" });
const graphic = () => logo().backgroundColor("white");
effected("theme", graphic, effect.theme("black"), { colours: { "0.1,0.1": "black" }, shrinks: "light" });
effected("theme with photosensitivity", graphic, effect.theme("#0000ff").photosensitivity(110),
  { colours: { "0.1,0.1": "blue" } });
for (const [name, kind] of Object.entries(blindness)) {
  if (typeof kind === "function") {
    effected(`simulateColorBlind ${name}`, quarters, effect.simulateColorBlind().condition(kind()), {});
  }
}
effected("simulateColorBlind", quarters, effect.simulateColorBlind(), {});
effected("assistColorBlind", quarters, effect.assistColorBlind(), { grows: "detail" });
effected("assistColorBlind with strength", quarters, effect.assistColorBlind().stripesStrength(40), { grows: "detail" });
effected("assistColorBlind as x-ray", quarters, effect.assistColorBlind().xray(), {});

// Detail
adjusted("sharpen", people, adjust.sharpen(500), { grows: "detail" });
adjusted("unsharpMask", people, adjust.unsharpMask(500), { grows: "detail" });
adjusted("unsharpMask, by a method", people, adjust.unsharpMask().strength(800), { grows: "detail" });
effected("blur", people, effect.blur(), { shrinks: "detail" });
effected("blur, strongly", people, effect.blur().strength(800), { shrinks: "detail" });
const CORNER = [0.5, 0.5, 1, 1];
const FACES = [0.2, 0, 1, 1]; // what might be one is covered too
effected("blur of a region", whole, effect.blur(900).region(region.custom().x(640).y(360).width(640).height(360)),
  { shrinks: "detail", box: CORNER });
effected("blur of faces", whole, effect.blur(900).region(region.faces()), { shrinks: "detail", box: FACES });
effected("pixelate", people, effect.pixelate(), { shrinks: "colours" });
effected("pixelate in squares", people, effect.pixelate().squareSize(20), { shrinks: "colours" });
effected("pixelate a region", whole, effect.pixelate(12).region(region.custom().x(0.5).y(0.5).width(0.5).height(0.5)),
  { shrinks: "colours", box: CORNER });
effected("pixelate faces", whole, effect.pixelate(12).region(region.faces()), { box: FACES });
effected("dither", people, effect.dither(), { shrinks: "colours" });
for (const [name, kind] of Object.entries(ditherers)) {
  if (typeof kind === "function") {
    effected(`dither ${name}`, people, effect.dither().type(kind()), { shrinks: "colours" });
  }
}
effected("oilPaint", people, effect.oilPaint(), {});
effected("oilPaint, strongly", people, effect.oilPaint(80), { shrinks: "detail" });
effected("cartoonify", people, effect.cartoonify(), {});
effected("cartoonify with both", people, effect.cartoonify(20).colorReductionLevel(60), {});
effected("cartoonify in black and white", people, effect.cartoonify().lineStrength(70).blackwhite(), { shrinks: "colour" });
effected("vignette", people, effect.vignette(), { shrinks: "rim" });
effected("vignette, strongly", people, effect.vignette(90), { shrinks: "rim" });
effected("gradientFade", quarters, effect.gradientFade(), {});
effected("gradientFade from both sides", quarters, effect.gradientFade().type(fade.symmetric()).strength(60), {});
effected("gradientFade with room", quarters, effect.gradientFade().type(fade.symmetricPad()).strength(40),
  { size: [200, 150] });
effected("gradientFade from a side", quarters, effect.gradientFade().strength(100).horizontalStartPoint(0.4),
  { grows: "clear", box: [0, 0, 0.41, 1] });
effected("gradientFade from below", quarters, effect.gradientFade().strength(100).verticalStartPoint(-0.4),
  { grows: "clear", box: [0, 0.59, 1, 1] });

// Edges and transparency
effected("makeTransparent", quarters, effect.makeTransparent().tolerance(20).colorToReplace("#dc1414"),
  { box: [0, 0, 0.52, 0.52], colours: { "0.2,0.2": "clear", "0.2,0.8": "blue" } });
effected("makeTransparent by itself", graphic, effect.makeTransparent(), { grows: "clear" });
effected("outline", logo, effect.outline(), { size: [210, 110], grows: "ink", colours: { "0.32,0.5": "black" } });
effected("outline of all kinds", logo,
  effect.outline().mode(outline.outer()).width(10).blurLevel(200).color("#0000ff"), { grows: "blue" });
effected("outline inside", logo, effect.outline().mode(outline.inner()).width(8).color("blue"),
  { grows: "blue", size: [200, 100] });
// Black squares with clear ones between them
const holes = () => here.image("avatars/none").format("png").effect(effect.makeTransparent().colorToReplace("white"));
effected("outline inside, filled", holes, effect.outline().mode(outline.innerFill()).width(8).color("blue"),
  { grows: "blue ink", size: [30, 30], colours: { "0.4,0.15": "blue", "0.4,0.4": "black" } });
effected("outline filled", holes, effect.outline().mode(outline.fill()).color("blue"), { size: [40, 40], grows: "blue ink" });
effected("shadow", logo, effect.shadow(60).offsetX(20).offsetY(15).color("#0000ff"), { grows: "blue" });
effected("shadow by default", logo, effect.shadow(), { size: [224, 124], grows: "ink" });
effected("dropShadow", logo, effect.dropShadow(), { grows: "ink", box: [0.3, 0.3, 0.85, 0.9] });
effected("dropShadow from a side", logo, effect.dropShadow().azimuth(90).elevation(30).spread(20),
  { box: [0, 0.75, 0.75, 0.95] });
reshaped("trim", graphic, reshape.trim(), { size: [67, 67] });
reshaped("trim with tolerance", graphic, reshape.trim().colorSimilarity(30),
  { size: [67, 67] });
reshaped("trim of a colour", quarters, reshape.trim().colorOverride("rgb:dc1414"), { same: true });
reshaped("trim of one colour, and all that is near it", () => logo().backgroundColor("#00f"),
  reshape.trim().colorSimilarity(20).colorOverride("blue"), { size: [67, 67] });
reshaped("cutByImage", quarters, reshape.cutByImage(source.image("logo")),
  { grows: "clear", colours: { "0.02,0.02": "clear", "0.45,0.45": "red", "0.55,0.55": "yellow" } });
reshaped("cutByImage at a place", quarters, reshape.cutByImage(source.image("logo")).position(new Position().offsetX(10)),
  { grows: "clear" });

// Shape
reshaped("distort", quarters, reshape.distort([20, 0, 180, 0, 200, 150, 0, 150]),
  { size: [200, 150], colours: { "0.01,0.01": "clear", "0.2,0.3": "red", "0.99,0.98": "yellow" } });
reshaped("distort outwards", quarters, reshape.distort([0, 0, 300, 50, 250, 250, 50, 200]), { size: [300, 250] });
reshaped("distortArc", quarters, reshape.distortArc(180), {});
reshaped("distortArc, turned", quarters, reshape.distortArc(-90), {});
reshaped("shear", quarters, reshape.shear(20, 0), { size: [255, 150], colours: { "0.01,0.98": "blue" } });
reshaped("shear by both", quarters, reshape.shear(10, 10), {});

// Eyes: there is nothing to mend
effected("redEye", people, effect.redEye(), { same: true });
effected("advancedRedEye", people, effect.advancedRedEye(), { same: true });
// Nobody there can tell the subject without weights for masks: the picture stays.
effected("backgroundRemoval", people, effect.backgroundRemoval(), { same: true });

// Several in a row
add("a chain", people, (image) => image.adjust(adjust.saturation(-100)).effect(effect.colorize(60).color("blue"))
  .effect(effect.blur(300)).effect(effect.vignette(60)), { grows: "blue", shrinks: "detail rim" });

// What is not done here says so
const refused = (name, act, status, code) =>
  found.push({ name, url: act(people()).toURL(), status, code });
for (const [name, action] of Object.entries({
  removeBackground: effect.removeBackground().screen(),
  upscale: effect.upscale(), enhance: effect.enhance(), generativeRestore: effect.generativeRestore(),
  generativeRemove: effect.generativeRemove().prompt("a hat"), vectorize: effect.vectorize().numOfColors(3),
  generativeReplace: effect.generativeReplace().from("a").to("b"), artisticFilter: effect.artisticFilter("zorro"),
  generativeRecolor: effect.generativeRecolor("hat", "red"), extract: effect.extract("hat"),
  generativeBackgroundReplace: effect.generativeBackgroundReplace().prompt("sea"),
  styleTransfer: effect.styleTransfer(source.image("logo")), viesusCorrect: adjust.viesusCorrect(),
  by3dLut: adjust.by3dLut("warm.3dl"),
})) {
  refused(name, (image) => image.addAction(action), 501, "not-implemented");
}
refused("noise", (image) => image.effect(effect.noise()), 400, "unsupported-effect");
refused("too bright", (image) => image.adjust(adjust.brightness(101)), 400, "bad-argument");

console.log(JSON.stringify(found));

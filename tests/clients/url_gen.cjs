// URLs as pages build them with @cloudinary/url-gen, and what must come back, as a JSON list on stdout.
//
//   node url_gen.cjs '{"host": "pictures.example.com", "origin": "http://shop.example.com", "secret": "…"}'
//
// An entry is {name, url, size, …}; further keys say more of the picture: format, quadrants (the colours of its quarters
// in reading order), colours (of its corner, a place a little inside, and one by the middle), frames; accept and hints
// are headers to ask with. The pictures are those of site.py: photo.jpg is 1600 × 1200, logo.png 200 × 100.

const { createHash } = require("node:crypto");
const { Cloudinary, Transformation } = require("@cloudinary/url-gen");
const resize = require("@cloudinary/url-gen/actions/resize");
const delivery = require("@cloudinary/url-gen/actions/delivery");
const effect = require("@cloudinary/url-gen/actions/effect");
const adjust = require("@cloudinary/url-gen/actions/adjust");
const { byAngle, mode } = require("@cloudinary/url-gen/actions/rotate");
const { byRadius, max } = require("@cloudinary/url-gen/actions/roundCorners");
const { solid } = require("@cloudinary/url-gen/actions/border");
const { ifCondition } = require("@cloudinary/url-gen/actions/conditional");
const { set, setFloat, setInteger, setString } = require("@cloudinary/url-gen/actions/variable");
const { name: named } = require("@cloudinary/url-gen/actions/namedTransformation");
const aspectRatio = require("@cloudinary/url-gen/qualifiers/aspectRatio");
const background = require("@cloudinary/url-gen/qualifiers/background");
const direction = require("@cloudinary/url-gen/qualifiers/gradientDirection");
const { AutoFocus } = require("@cloudinary/url-gen/qualifiers/autoFocus");
const { FocusOn } = require("@cloudinary/url-gen/qualifiers/focusOn");
const { autoGravity, compass, focusOn, xyCenter } = require("@cloudinary/url-gen/qualifiers/gravity");
const flag = require("@cloudinary/url-gen/qualifiers/flag");
const format = require("@cloudinary/url-gen/qualifiers/format");
const quality = require("@cloudinary/url-gen/qualifiers/quality");
const dpr = require("@cloudinary/url-gen/qualifiers/dpr");
const rotation = require("@cloudinary/url-gen/qualifiers/rotationMode");
const { expression } = require("@cloudinary/url-gen/qualifiers/expression");
const { createCloudinaryLegacyURL } = require("@cloudinary/url-gen/backwards/createCloudinaryLegacyURL");

const { host, origin, secret } = JSON.parse(process.argv[2]);
const account = (url, cloud) => new Cloudinary({ cloud: { cloudName: "demo", ...cloud }, url });
const here = account({ secure: false, cname: host });
const silent = account({ secure: false, cname: host, analytics: false });
const photo = () => here.image("photo.jpg");
const png = () => here.image("photo").format("png");
const step = () => new Transformation();

const found = [];
const add = (name, image, size, more = {}) => found.push({ name, url: image.toURL(), size, ...more });

// How users change the host, and what a URL is made of
const ALL = "red green blue yellow";
add("cname", photo(), [1600, 1200], { quadrants: ALL, begin: `http://${host}/demo/image/upload/photo.jpg?_a=` });
add("no analytics", silent.image("photo.jpg"), [1600, 1200], { begin: `http://${host}/demo/image/upload/photo.jpg` });
add("secureDistribution", account({ secureDistribution: host }).image("photo.jpg"), [1600, 1200],
  { begin: `https://${host}/demo/image/upload/` });
add("private CDN", account({ secureDistribution: host, privateCdn: true }).image("team/jane doe"), [1600, 1200],
  { begin: `https://${host}/image/upload/v1/team/jane%20doe?_a=` });
add("shortened", account({ secure: false, cname: host, shorten: true }).image("photo.jpg").resize(resize.scale(80)),
  [80, 60], { begin: `http://${host}/demo/iu/` });
add("query of one's own", account({ secure: false, cname: host, queryParams: { tag: "x y", page: 2 } }).image("photo.jpg")
  .resize(resize.scale(80)), [80, 60]);
add("suffix", photo().setPublicID("photo").setSuffix("red-green").resize(resize.scale(80)), [80, 60],
  { begin: `http://${host}/demo/images/` });
add("version", photo().setVersion(1712345678).resize(resize.scale(80)), [80, 60]);
for (const id of ["w_100/shape", "t_shirts/one.jpg", "2024/été/fête, à deux", "with.dots.in/a.name.jpg", "shop:sale.jpg"]) {
  add(`name ${id}`, here.image(id).resize(resize.scale(80)), [80, 60]);
  add(`original ${id}`, here.image(id), [1600, 1200]);
}

// Remote pictures
const remote = `${origin}/remote/photo.jpg`;
const fetched = (url) => here.image(url).setDeliveryType("fetch").resize(resize.scale(80));
add("fetch", fetched(remote), [80, 60], { asks: "/remote/photo.jpg" });
add("fetch with a query", fetched(`${remote}?a=1&b=%2F`), [80, 60], { asks: "/remote/photo.jpg?a=1&b=%2F" });
add("fetch by format", fetched(remote).format("auto").quality("auto"), [80, 60], { accept: "image/webp", format: "WEBP" });

// Resize
const box = (action) => photo().resize(action);
const R = resize;
add("scale", box(R.scale(400, 100)), [400, 100]);
add("scale by a fraction", box(R.scale().width(0.5)), [800, 600]);
add("scale of whole width", box(R.scale("1.0")), [1600, 1200]);
add("scale with a ratio", box(R.scale().height(100).aspectRatio(aspectRatio.ar16X9())), [178, 100]);
add("scale without a ratio", box(R.scale(400).aspectRatio(aspectRatio.ignoreInitialAspectRatio())), [400, 1200]);
add("fit", box(R.fit(400, 400)), [400, 300]);
add("limitFit", box(R.limitFit(4000, 4000)), [1600, 1200]);
add("minimumFit", box(R.minimumFit(2000, 2000)), [2000, 1500]);
add("fill", box(R.fill(400, 400).gravity(compass("west"))), [400, 400], { quadrants: ALL });
add("fill to a ratio", box(R.fill().aspectRatio("1:1")), [1200, 1200]);
add("fill of a width to a ratio", box(R.fill(300).aspectRatio(1.5)), [300, 200]);
add("fill of a number", box(R.fill(300).aspectRatio(1)), [300, 300]);
add("limitFill", box(R.limitFill(400, 400)), [400, 400]);
add("limitFill of more", box(R.limitFill(4000, 4000)), [1600, 1200]);
add("crop", box(R.crop(200, 100)), [200, 100], { quadrants: ALL });
add("crop at a place", box(R.crop(200, 100).x(900).y(10)), [200, 100], { quadrants: "green green green green" });
add("crop at a compass point", box(R.crop(0.25, 0.25).gravity(compass("south_west"))), [400, 300],
  { quadrants: "blue blue blue blue" });
add("crop around a point", box(R.crop(200, 100).gravity(xyCenter()).x(800).y(900)), [200, 100],
  { quadrants: "blue yellow blue yellow" });
add("thumbnail at a compass point", box(R.thumbnail(200, 100).gravity(compass("north"))), [200, 100]);
add("pad", box(R.pad(300, 100)), [300, 100], { colours: "white red yellow" });
add("pad to a side", box(R.pad(300, 100).gravity(compass("west")).background(background.color("black"))), [300, 100],
  { colours: "red green black" });
add("limitPad", box(R.limitPad(2000, 1800).background(background.color("blue"))), [2000, 1800],
  { colours: "blue blue yellow" });
add("minimumPad", box(R.minimumPad(400, 1800)), [1600, 1800]);
add("fillPad", box(R.fillPad(300, 300).gravity(autoGravity())), [300, 300]);
add("autoPad", box(R.autoPad(300, 300).background(background.auto())), [300, 300]);
add("auto", box(R.auto(300, 300).gravity(autoGravity())), [300, 300]);
add("two", photo().resize(R.scale(400)).resize(R.crop(100, 50).gravity(compass("south_east"))), [100, 50],
  { quadrants: "yellow yellow yellow yellow" });
add("one that is written out", photo().addTransformation("c_scale,w_200/a_90"), [150, 200]);
add("of a transformation", photo().addTransformation(step().resize(R.scale(200)).rotate(byAngle(90))), [150, 200]);

// Gravities that look at the picture
const people = () => here.image("people.jpg");
add("face", people().resize(R.thumbnail(100, 100).gravity(focusOn(FocusOn.face())).zoom(0.7)), [100, 100]);
add("faces or automatic", people().resize(R.fill(100, 200).gravity(focusOn(FocusOn.faces()).fallbackGravity(autoGravity()))),
  [100, 200]);
add("person or cat", people().resize(R.fill(100, 200).gravity(focusOn(FocusOn.cat(), FocusOn.person()))), [100, 200]);
add("automatic for a person", people().resize(R.auto(120, 100).gravity(autoGravity().autoFocus(
  AutoFocus.focusOn(FocusOn.person()).weight(80), AutoFocus.focusOn(FocusOn.cat()).avoid()))), [120, 100]);

// Backgrounds
const { border, borderGradient, predominant, predominantGradient, blurred } = background;
for (const [name, fill] of Object.entries({
  "border": border(), "border contrast": border().contrast().palette("red", "blue"), "predominant": predominant(),
  "predominant gradient": predominantGradient().gradientColors(2).gradientDirection(direction.diagonalDesc()),
  "border gradient": borderGradient().contrast().gradientColors(4).palette("red", "00ff00", "#0000ff"),
  "blurred": blurred(), "blurred with brightness": blurred().brightness(15),
  "blurred with both": blurred().intensity(300).brightness(-15),
})) {
  add(`background ${name}`, box(R.pad(300, 100).background(fill)), [300, 100], { filled: true });
}
add("background colour", here.image("logo.png").backgroundColor("#0000ff"), [200, 100], { colours: "blue blue red" });
add("no background", here.image("logo.png"), [200, 100], { colours: "clear clear red" });

// Looks
add("round corners", png().resize(R.scale(300)).roundCorners(byRadius(20)), [300, 225], { colours: "clear red yellow" });
add("round corners of four", png().resize(R.scale(300)).roundCorners(byRadius(0, 20, 30, 40)), [300, 225],
  { colours: "red red yellow" });
add("round corners at most", png().resize(R.fill(300, 300)).roundCorners(max()), [300, 300],
  { colours: "clear red yellow" });
add("border", photo().resize(R.scale(300)).border(solid(9, "black")), [318, 243], { colours: "black red yellow" });
add("border that is round", png().resize(R.scale(300)).border(solid("9", "#000000").roundCorners(byRadius(20))),
  [318, 243], { colours: "clear red yellow" });
add("rotate", photo().rotate(byAngle(90)), [1200, 1600], { quadrants: "blue red yellow green" });
add("rotate by half", png().resize(R.scale(300)).rotate(byAngle(-20.5)), [360, 316], { colours: "clear" });
add("rotate and flip", photo().rotate(byAngle(180)).rotate(mode(rotation.verticalFlip())), [1600, 1200],
  { quadrants: "green red yellow blue" });
add("rotate to stand", photo().rotate(mode(rotation.autoRight())), [1600, 1200]);
add("grayscale", photo().resize(R.scale(100)).effect(effect.grayscale()), [100, 75], { gray: true });
add("opacity", png().resize(R.scale(100)).adjust(adjust.opacity(5)), [100, 75], { colours: "clear clear clear" });

// Delivery
add("format", photo().resize(R.scale(80)).delivery(delivery.format("webp")), [80, 60], { format: "WEBP" });
add("format of a qualifier", photo().resize(R.scale(80)).delivery(delivery.format(format.avif())), [80, 60],
  { format: "AVIF" });
add("automatic format", here.image("detail.jpg").resize(R.scale(400)).delivery(delivery.format(format.auto())).delivery(
  delivery.quality(quality.autoEco())), [400, 300], { accept: "image/avif,image/webp", format: "AVIF" });
add("format for old browsers", here.image("detail.jpg").resize(R.scale(400)).format("auto").quality("auto:good"), [400, 300],
  { accept: "*/*", format: "JPEG" });
add("quality", photo().resize(R.scale(80)).delivery(delivery.quality(80).chromaSubSampling(444)), [80, 60]);
add("progressive", photo().resize(R.scale(80)).delivery(delivery.format("jpg").progressive("steep")), [80, 60],
  { format: "JPEG", progressive: true });
add("moving picture", here.image("loop.gif").delivery(delivery.format("webp")), [48, 32], { format: "WEBP", frames: 3 });
add("lossy moving picture", here.image("loop.gif").delivery(delivery.format("gif").lossy()), [48, 32],
  { format: "GIF", frames: 3 });
add("density", photo().resize(R.scale(80)).delivery(delivery.dpr(2)), [160, 120]);
add("density of the screen", photo().resize(R.scale(80)).delivery(delivery.dpr(dpr.auto())), [120, 90],
  { hints: { DPR: "1.5" } });
add("width of the page", photo().resize(R.scale("auto")), [400, 300], { hints: { "Viewport-Width": "400" } });
add("fallback", here.image("none/such.jpg").resize(R.scale(20)).delivery(delivery.defaultImage("avatars:none.png")),
  [20, 20]);
add("attachment", photo().resize(R.scale(80)).addFlag(flag.attachment("my_photo")), [80, 60],
  { disposition: 'filename="my_photo.jpg"' });
add("colour space", photo().resize(R.scale(80)).delivery(delivery.colorSpace("srgb")), [80, 60]);

// Variables, conditions, named transformations
add("variable", photo().addVariable(set("wide", 300)).resize(R.scale("$wide")), [300, 225]);
add("worked out", photo().addVariable(set("wide", 300)).addVariable(set("half", expression("$wide / 2"))).resize(
  R.fill("$wide", expression("$half + 10"))), [300, 160]);
add("numbers", photo().addVariable(setInteger("n", 50.7)).addVariable(setFloat("f", 2)).resize(
  R.scale(expression("$n + initialWidth / $f"))), [851, 638]);
add("a fraction", photo().addVariable(setFloat("f", "0.5")).resize(R.scale("$f")), [800, 600]);
add("of the original", photo().resize(R.scale(expression("initialWidth * 0.25"))), [400, 300]);
add("condition", photo().conditional(ifCondition("width > 1000 && aspectRatio = 4:3", step().resize(R.scale(500)))),
  [500, 375]);
add("condition that fails", photo().conditional(ifCondition("initialHeight < 100", step().resize(R.scale(500)))),
  [1600, 1200]);
add("otherwise", photo().conditional(ifCondition("w < 100 || h < 100", step().resize(R.scale(500))).otherwise(
  step().resize(R.scale(300)).rotate(byAngle(90)))), [225, 300]);
add("condition on a list", photo().addVariable(set("words", ["a", "b"])).conditional(
  ifCondition("!a! in $words", step().resize(R.scale(60)))), [60, 45]);
add("condition on text", photo().addVariable(setString("word", "b")).conditional(
  ifCondition("$word = !a!", step().resize(R.scale(60))).otherwise(step().resize(R.scale(70)))), [70, 53]);
add("condition on faces", people().conditional(ifCondition("faceCount > 0", step().resize(R.scale(60)))), [60, 34]);
add("named", photo().namedTransformation(named("small one")), [80, 60]);
add("named, and more", photo().namedTransformation(named("corner")).rotate(byAngle(90)).resize(R.scale(50)), [50, 50],
  { quadrants: "yellow yellow yellow yellow" });

// The options of the libraries before this one
const legacy = (id, options) => ({
  toURL: () => createCloudinaryLegacyURL(id, { cloud_name: "demo", secure: false, cname: host, ...options }) });
add("legacy", legacy("photo", { width: 100, height: 50, crop: "fill", gravity: "center", format: "png" }), [100, 50],
  { format: "PNG", quadrants: ALL });
add("legacy, in a chain", legacy("team/jane doe.jpg", { angle: 90, transformation: [{ width: 100, crop: "scale" },
  { if: "w < 200", border: { width: 4, color: "#00f" } }] }), [83, 108]);
add("legacy, with variables", legacy("photo.jpg", { variables: [["$n", 30]], width: "$n * 2", crop: "scale" }), [60, 45]);

// The builder leaves signing to the server of a page, which gives it the signature
const signed = (image, id, algorithm = "sha1", length = 8) => {
  const text = [image.transformation?.toString(), id].filter(Boolean).join("/") + secret;
  const digest = createHash(algorithm).update(text).digest("base64url");
  return image.setSignature(digest.slice(0, length));
};
const cut = () => photo().resize(R.fill(80, 40).gravity(compass("north")));
add("signed", signed(cut(), "photo.jpg"), [80, 40]);
add("signed by SHA-256", signed(cut(), "photo.jpg", "sha256"), [80, 40]);
add("signed at length", signed(cut(), "photo.jpg", "sha256", 32), [80, 40]);
add("signed original", signed(photo(), "photo.jpg"), [1600, 1200]);
add("signed wrongly", cut().setSignature("AAAAAAAA"), null, { code: "bad-signature" });
const hidden = (type) => here.image("hidden.jpg").setDeliveryType(type);
for (const type of ["authenticated", "private"]) {
  add(type, signed(hidden(type), "hidden.jpg"), [400, 300]);
  add(`${type}, unsigned`, hidden(type), null, { code: "signature-required" });
  const suffixed = () => here.image("hidden").setDeliveryType(type).setSuffix("a-name").resize(R.scale(40));
  add(`${type} with a suffix`, signed(suffixed(), "hidden"), [40, 30], { begin: `http://${host}/demo/${type}_images/` });
}

console.log(JSON.stringify(found));

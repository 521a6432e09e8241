"""Pictures drawn in code to look at effects on: a landscape, a portrait cut out, a graphic, and a badge to lay over.

Every pixel comes from whole numbers and means, so that they are the same on every machine.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from transforms.image import Box, Found, Frame, Image, Mask, PixelArray, Region, Saliency, Size

FINER = 4  # times as large they are drawn, for smooth edges

Bgr = tuple[int, int, int]
Points = list[tuple[float, float]]


class Canvas:
    """Flat shapes in fractions of a picture; drawn larger, then made smaller."""

    def __init__(self, size: Size, ground: tuple[int, int, int, int]) -> None:
        self.size = size
        self.pixels = np.full((size.height * FINER, size.width * FINER, 4), ground, np.uint8)

    def polygon(self, points: Points, colour: Bgr, alpha: int = 255) -> None:
        corners = [(round(x * self.pixels.shape[1]), round(y * self.pixels.shape[0])) for x, y in points]
        cv2.fillPoly(self.pixels, [np.array(corners, np.int32)], (*colour, alpha))

    def box(self, x: float, y: float, width: float, height: float, colour: Bgr, alpha: int = 255) -> None:
        self.polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], colour, alpha)

    def oval(self, x: float, y: float, across: float, down: float, colour: Bgr, alpha: int = 255) -> None:
        """Around a centre, with half its width and height."""
        turns = np.linspace(0, 2 * np.pi, 90, endpoint=False)
        self.polygon([(x + across * np.cos(t), y + down * np.sin(t)) for t in turns], colour, alpha)

    @property
    def drawn(self) -> PixelArray:
        """BGRA; colours do not bleed out of what is transparent."""
        weight = self.pixels[:, :, 3:].astype(np.float32) / 255
        small = [cv2.resize(part, (self.size.width, self.size.height), interpolation=cv2.INTER_AREA)
                 for part in (self.pixels[:, :, :3] * weight, weight)]  # fmt: skip
        colours = small[0] / np.maximum(small[1], 1e-6)[:, :, np.newaxis]
        return np.dstack([colours, small[1] * 255]).round().astype(np.uint8)


def picture(pixels: PixelArray) -> Image:
    pixels.flags.writeable = False
    return Image((Frame(pixels),))


@cache
def landscape(width: int = 320, height: int = 240) -> Image:
    """BGR: a sky from blue to pale, hills, a field with grain, a red barn with windows, a white and a black post."""
    canvas = Canvas(Size(width, height), (0, 0, 0, 0))
    canvas.oval(0.78, 0.2, 0.07, 0.09, (190, 240, 255))
    for level, colour in ((0.52, (150, 130, 105)), (0.6, (95, 110, 80))):
        waves = [(x, level + 0.07 * np.sin(9 * x + 40 * level)) for x in np.linspace(0, 1, 40)]
        canvas.polygon([(0, 1), *waves, (1, 1)], colour)
    canvas.polygon([(0, 1), (0, 0.72), (1, 0.66), (1, 1)], (60, 135, 110))
    canvas.box(0.15, 0.5, 0.26, 0.26, (45, 40, 165))
    canvas.polygon([(0.12, 0.51), (0.28, 0.36), (0.44, 0.51)], (50, 45, 60))
    for x in (0.19, 0.31):
        canvas.box(x, 0.57, 0.06, 0.07, (210, 235, 240))
    canvas.box(0.6, 0.5, 0.012, 0.3, (245, 245, 245))
    canvas.box(0.68, 0.5, 0.012, 0.3, (12, 12, 12))
    canvas.polygon([(0.72, 1), (0.8, 0.68), (0.83, 0.68), (0.95, 1)], (150, 175, 190))
    return picture(_grained(_over(canvas.drawn, _sky(width, height))))


def _sky(width: int, height: int) -> PixelArray:
    down = np.linspace(0, 1, height)[:, np.newaxis, np.newaxis]
    ground: PixelArray = np.broadcast_to(
        (np.array([200, 130, 60]) * (1 - down) + np.array([225, 220, 215]) * down).round(), (height, width, 3)
    ).astype(np.uint8)
    return ground


def _over(pixels: PixelArray, below: PixelArray) -> PixelArray:
    alpha = pixels[:, :, 3:].astype(np.float64) / 255
    return np.asarray((pixels[:, :, :3] * alpha + below * (1 - alpha)).round(), np.uint8)


def _grained(pixels: PixelArray) -> PixelArray:
    """With grain of two sizes, stronger in the lower part, as grass has it."""
    height, width = pixels.shape[:2]
    random = np.random.default_rng(5)
    coarse = random.integers(-14, 15, (-(-height // 4), -(-width // 4))).repeat(4, 0).repeat(4, 1)[:height, :width]
    grain = random.integers(-8, 9, (height, width)) + coarse
    share = np.linspace(0.1, 1.2, height)[:, np.newaxis]
    return np.asarray((pixels + (grain * share).round()[:, :, np.newaxis]).clip(0, 255), np.uint8)


@cache
def portrait(width: int = 240, height: int = 300) -> Image:
    """BGRA: a head with hair, red pupils and a blue coat, cut out; its outline is soft."""
    canvas = Canvas(Size(width, height), (0, 0, 0, 0))
    canvas.oval(0.5, 1.05, 0.42, 0.28, (120, 70, 40))
    canvas.oval(0.5, 0.4, 0.3, 0.34, (30, 45, 70))
    canvas.box(0.42, 0.65, 0.16, 0.2, (125, 155, 205))
    canvas.oval(0.5, 0.45, 0.24, 0.29, (150, 180, 230))
    for x in (0.4, 0.6):
        canvas.oval(x, 0.42, 0.055, 0.025, (240, 245, 250))
        canvas.oval(x, 0.42, 0.022, 0.018, (40, 30, 200))
        canvas.box(x - 0.06, 0.36, 0.12, 0.014, (35, 50, 75))
    canvas.polygon([(0.5, 0.44), (0.46, 0.55), (0.53, 0.55)], (120, 150, 205))
    canvas.oval(0.5, 0.62, 0.08, 0.022, (80, 75, 190))
    pixels = canvas.drawn
    pixels[:, :, 3] = cv2.blur(pixels[:, :, 3], (5, 5))
    pixels[:, :, :3] = np.where(pixels[:, :, 3:] > 0, _grained(_filled(pixels)), 0)
    return picture(pixels)


def _filled(pixels: PixelArray) -> PixelArray:
    """The colours next to what is transparent, for the soft part of the outline."""
    weight = (pixels[:, :, 3:] > 0).astype(np.float32)
    around = [cv2.blur(part, (9, 9)) for part in (pixels[:, :, :3] * weight, weight)]
    near = around[0] / np.maximum(around[1], 1e-6)[:, :, np.newaxis]
    seen = cv2.erode(weight, np.ones((5, 5), np.uint8))[:, :, np.newaxis] > 0
    return np.asarray(np.where(seen, pixels[:, :, :3], near.round()), np.uint8)


FACE = Box(0.27, 0.17, 0.46, 0.56)
EYES = (("right_eye", 0.4, 0.42), ("left_eye", 0.6, 0.42), ("nose", 0.5, 0.53), ("mouth_right", 0.44, 0.62),
        ("mouth_left", 0.56, 0.62))  # fmt: skip


def someone(box: Box = FACE, points: tuple[tuple[str, float, float], ...] = EYES) -> Found:
    """One face, known to all who ask for one, and the person whose it is, for who asks for masks or what made them."""
    regions = tuple(Region("face", 0.9, box, points, by) for by in ("faces", "largest-face", "all-faces"))
    body = np.zeros((80, 80), np.uint8)
    cv2.ellipse(body, (40, 44), (22, 34), 0, 0, 360, 255, cv2.FILLED)
    mask = Mask(80, 80, body.tobytes())
    box_of_body, heat = Box(0.225, 0.125, 0.55, 0.85), Mask(80, 80, cv2.GaussianBlur(body, (0, 0), 8).tobytes())
    regions += (
        Region("person", 0.9, box_of_body, by="masks", mask=mask),
        Region("person", 0.9, box_of_body, by="objects:heat:person", mask=heat),
    )
    return Found(regions, saliency=Saliency(np.arange(600, dtype=np.uint8).reshape(20, 30)))


@cache
def graphic(width: int = 320, height: int = 240) -> Image:
    """BGRA: flat colours, bars that look like letters, thin lines, a ramp of grays, glass, and nothing around it."""
    canvas = Canvas(Size(width, height), (0, 0, 0, 0))
    canvas.box(0.06, 0.08, 0.88, 0.84, (250, 250, 250))
    for at, colour in enumerate([(40, 40, 220), (50, 180, 60), (220, 90, 30), (30, 210, 245), (190, 60, 170)]):
        canvas.box(0.1 + 0.11 * at, 0.14, 0.1, 0.2, colour)
    for at in range(10):
        canvas.box(0.1 + 0.011 * at * 3, 0.42, 0.012 + 0.004 * (at % 3), 0.12, (20, 20, 20))
        canvas.box(0.1 + 0.05 * at, 0.6, 0.035, 0.025, (90, 60, 20))
        canvas.box(0.1 + 0.05 * at, 0.6 + 0.03 * (at % 3), 0.008, 0.03, (90, 60, 20))
    for at in range(32):
        canvas.box(0.1 + 0.0175 * at, 0.76, 0.018, 0.1, (at * 8, at * 8, at * 8))
    for at in range(6):
        canvas.polygon(_line(0.72, 0.12 + 0.07 * at, 0.92, 0.2 + 0.07 * at, (1 + at) / 3 / width), (120, 40, 40))
    canvas.oval(0.82, 0.72, 0.1, 0.13, (0, 120, 250))
    canvas.oval(0.82, 0.72, 0.05, 0.065, (0, 0, 0), alpha=0)
    canvas.oval(0.5, 0.5, 0.11, 0.14, (200, 120, 0), alpha=120)
    return picture(canvas.drawn)


def _line(x: float, y: float, right: float, bottom: float, wide: float) -> Points:
    return [(x, y), (right, bottom), (right, bottom + wide * 1.3), (x, y + wide * 1.3)]


@cache
def badge(side: int = 96) -> Image:
    """BGRA: a round mark with a ramp, a star, and a soft shadow of its own."""
    canvas = Canvas(Size(side, side), (0, 0, 0, 0))
    canvas.oval(0.5, 0.5, 0.48, 0.48, (40, 40, 40), alpha=90)
    for at in range(24):
        canvas.oval(0.5, 0.5, 0.44 - at / 60, 0.44 - at / 60, (255 - at * 10, 120, at * 10))
    turns = [(0.5 + r * np.sin(t), 0.5 - r * np.cos(t)) for t, r in
             zip(np.arange(10) * np.pi / 5, [0.3, 0.12] * 5, strict=True)]  # fmt: skip
    canvas.polygon(turns, (255, 255, 255))
    return picture(canvas.drawn)

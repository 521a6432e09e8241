"""What was found on the source, seen in the picture at hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .image import Affine, Box, Found, Mask, Region

LEAST_VISIBLE = 0.25  # share of a box that must be left in the picture; redaction keeps every trace

_KEPT_WHOLLY = "all-faces"


def projected(found: Found, from_source: Affine) -> Found:
    """`found` on the source, in fractions of the picture that `from_source` leads to; what left it is dropped."""
    regions = tuple(seen for region in found.regions if (seen := _seen(region, from_source)))
    labels = {region.label for region in regions}
    found_labels = {region.label for region in found.regions}
    # A tag that names a region goes with it; one about the whole picture (a scene) stays.
    tags = tuple(tag for tag in found.tags if tag.name in labels or tag.name not in found_labels)
    return replace(found, regions=regions, tags=tags)


def _seen(region: Region, affine: Affine) -> Region | None:
    box = moved(region.box, affine)
    visible = box.clipped()
    # Of a person whose head alone is left the mask is wanted all the more.
    kept = region.by == _KEPT_WHOLLY or region.mask is not None
    if visible is None or (not kept and visible.area < LEAST_VISIBLE * box.area):
        return None
    points = tuple((name, *_point(affine, x, y)) for name, x, y in region.points)
    return replace(region, box=visible, points=points, mask=region.mask and _laid(region.mask, affine))


def _laid(mask: Mask, affine: Affine) -> Mask:
    at = affine @ np.vstack([np.array(mask.at).reshape(2, 3), [0.0, 0.0, 1.0]])
    a, b, c, d, e, f = (float(value) for value in at.ravel())
    return replace(mask, at=(a, b, c, d, e, f))


def moved(box: Box, affine: Affine) -> Box:
    """The upright box around the four corners of `box` after `affine`."""
    corners = np.array(
        [[box.x, box.y, 1], [box.right, box.y, 1], [box.x, box.bottom, 1], [box.right, box.bottom, 1]], dtype=np.float64
    )
    xs, ys = affine @ corners.T
    return Box.between(float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max()))


def _point(affine: Affine, x: float, y: float) -> tuple[float, float]:
    moved_x, moved_y = affine @ np.array([x, y, 1.0])
    return float(moved_x), float(moved_y)

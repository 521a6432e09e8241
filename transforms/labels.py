"""Words for objects that detectors know: COCO's 80 labels with `_` for spaces, groups of them, other spellings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# COCO's supercategories, each with its labels.
_CATEGORIES = {
    "person": "person",
    "vehicle": "bicycle car motorcycle airplane bus train truck boat",
    "outdoor": "traffic_light fire_hydrant stop_sign parking_meter bench",
    "animal": "bird cat dog horse sheep cow elephant bear zebra giraffe",
    "accessory": "backpack umbrella handbag tie suitcase",
    "sports": "frisbee skis snowboard sports_ball kite baseball_bat baseball_glove skateboard surfboard tennis_racket",
    "kitchen": "bottle wine_glass cup fork knife spoon bowl",
    "food": "banana apple sandwich orange broccoli carrot hot_dog pizza donut cake",
    "furniture": "chair couch potted_plant bed dining_table toilet",
    "electronic": "tv laptop mouse remote keyboard cell_phone",
    "appliance": "microwave oven toaster sink refrigerator",
    "indoor": "book clock vase scissors teddy_bear hair_drier toothbrush",
}

LABELS = tuple(label for labels in _CATEGORIES.values() for label in labels.split())
"""The labels of COCO, in the spelling of ultralytics YOLO but for the spaces."""

GROUPS: Mapping[str, frozenset[str]] = MappingProxyType(
    {name: frozenset(labels.split()) for name, labels in _CATEGORIES.items() if name != "person"}
)
"""Supercategories of COCO, which may be named as well: any of their labels will do."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {label: label for label in LABELS}
    | {label.replace("_", ""): label for label in LABELS}  # sportsball, wineglass, cellphone
    | {
        "aeroplane": "airplane", "motorbike": "motorcycle", "sofa": "couch", "tvmonitor": "tv", "television": "tv",
        "hair_dryer": "hair_drier", "hairdryer": "hair_drier", "doughnut": "donut",
    }
)  # fmt: skip
"""Cloudinary's spellings, and others that are met, of the labels above; those that are the same stand here as well."""


COMMON = frozenset({"body", *GROUPS, *LABELS})
"""The words that stand for labels of COCO."""


def labels_of(word: str) -> frozenset[str]:
    """The labels that a word stands for, as detectors write them: with spaces."""
    labels = frozenset({"person"}) if word == "body" else GROUPS.get(word, frozenset({word}))
    return frozenset(label.replace("_", " ") for label in labels)

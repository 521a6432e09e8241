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

SYNONYMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "airplane": ("aeroplane", "plane"),
        "backpack": ("rucksack",),
        "bicycle": ("bike",),
        "cell phone": ("mobile phone", "smartphone"),
        "couch": ("sofa",),
        "cow": ("cattle",),
        "donut": ("doughnut",),
        "hair drier": ("hair dryer",),
        "handbag": ("purse",),
        "mouse": ("computer mouse",),
        "motorcycle": ("motorbike",),
        "person": ("human",),
        "refrigerator": ("fridge",),
        "remote": ("remote control",),
        "tennis racket": ("tennis racquet",),
        "tie": ("necktie",),
        "traffic light": ("traffic signal",),
        "truck": ("lorry",),
        "tv": ("television",),
    }
)
"""Other words for the same thing, by label, both with spaces: told as tags, and asked for wherever labels are."""

_TOLD = {
    word.replace(" ", "_"): label.replace(" ", "_") for label, words in SYNONYMS.items() for word in words
}  # fmt: skip
_ALIKE = {**{label: label for label in LABELS}, **_TOLD, "tvmonitor": "tv"}

ALIASES: Mapping[str, str] = MappingProxyType({word.replace("_", ""): label for word, label in _ALIKE.items()} | _ALIKE)
"""The labels above by all words that ask for them: themselves, their synonyms, Cloudinary's spellings (sportsball,
cellphone), and other ones that are met."""


COMMON = frozenset({"body", *GROUPS, *LABELS})
"""The words that stand for labels of COCO."""


def labels_of(word: str) -> frozenset[str]:
    """The labels that a word stands for, as detectors write them: with spaces."""
    labels = frozenset({"person"}) if word == "body" else GROUPS.get(word, frozenset({word}))
    return frozenset(label.replace("_", " ") for label in labels)

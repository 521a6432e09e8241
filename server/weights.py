"""The models folder that settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detectors.models import ModelStore
from detectors.registry import install

if TYPE_CHECKING:
    from .settings import Settings


def models_of(settings: Settings, device: str = "cpu") -> ModelStore:
    """The models of a folder; the operator's among them are words of URLs from now on. `device` is "cpu" or "cuda"."""
    store = ModelStore(settings.models, mirror=settings.models_mirror, device=device, prefer=settings.preferences)
    install(store.own())
    return store

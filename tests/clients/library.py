"""Cloudinary's Python library with the settings of an account that has moved: only `cname` has changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cloudinary
import pytest

from .site import CLOUD, SECRET


@contextmanager
def moved_to(host: str) -> Iterator[None]:
    before = dict(vars(cloudinary.config()))
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("CLOUDINARY_")]:
            patch.delenv(name)
        configure(host)
        yield
    cloudinary.reset_config()
    cloudinary.config(**before)


def configure(host: str) -> None:
    cloudinary.reset_config()
    cloudinary.config(cloud_name=CLOUD, api_key="1234", api_secret=SECRET, cname=host)


def url(public_id: str, **options: Any) -> str:
    """The URL of a picture, as a page has it built."""
    return str(cloudinary.CloudinaryImage(public_id).build_url(**options))

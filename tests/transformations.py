"""What the tests of Cloudinary's dialect share: a transformation in native words, or its failure."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from server import urls
from transforms.failure import Failure

_WRITTEN = "/,:_.-!$%*()=;+@~'|&<>^"


def path(transformation: str) -> str:
    """A delivery path with that transformation. What is escaped in it stays as it is."""
    return f"/demo/image/upload/{quote(transformation, safe=_WRITTEN)}/v1/sample.jpg"


def steps(transformation: str) -> str:
    """The canonical native steps."""
    return str(urls.parse(path(transformation)).pipeline)


def refused(transformation: str) -> Failure:
    with pytest.raises(Failure) as caught:
        urls.parse(path(transformation))
    return caught.value

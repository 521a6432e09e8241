"""An architecture's own weights as a model of the operator: fetched once, when the operator says so, and kept."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from transforms.failure import Failure, Kind

from .adding import Wish, add
from .kept import Tell, silent
from .manifest import Model
from .models import ModelStore, Progress
from .pull import download, mismatch
from .quiet import silence


def add_pretrained(
    store: ModelStore, wish: Wish, words: Collection[str] = (), *, trust: bool = False,
    progress: Progress | None = None, tell: Tell = silent,
) -> Model:  # fmt: skip
    """Download what torchvision or timm publishes for `wish.arch`, and add it; from then on no network is needed.

    torchvision says how the checksum begins; of timm's nothing is known, so that the operator has to `trust` them.
    Raises Failure model-not-trusted, model-checksum-mismatch and those of `architectures.published`, `pull.download`
    and `adding.add`.
    """
    silence()
    from .architectures import published  # torch: 2 s

    there = published(wish.backend, wish.arch)
    if not there.sha256 and not trust:
        raise Failure(
            Kind.FORBIDDEN, "model-not-trusted",
            f"no checksum of {wish.arch} is known here, so nothing would tell a false one",
            hint="say --trust as well to take what its publisher sends now", details={"architecture": wish.arch},
        )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="darkroom-weights-") as folder:
        path = Path(folder) / Path(urlsplit(there.url).path).name
        model = Model(wish.name, wish.name, "", path.name, None, "", (), url=there.url)
        sha256 = download(model, path, mirror=store.mirror, progress=progress)
        if not sha256.startswith(there.sha256):
            raise mismatch(model, sha256, there.sha256, f"which does not begin with {there.sha256}")
        said = replace(
            wish, labels=wish.labels or there.labels, source=there.url, licence=wish.licence or there.licence or None
        )
        return add(store, path, said, words, tell)

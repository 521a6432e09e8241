"""What `darkroom doctor` says of models: which are here, as they should be, and can be loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .doctor import Finding
from .redact import redacted
from .settings import Settings

if TYPE_CHECKING:
    from detectors.models import Listed, ModelStore
    from detectors.registry import Detector


def models(settings: Settings) -> Iterator[Finding]:
    """Each model is loaded once, in a process of its own; of a detection service elsewhere its word is taken."""
    from detectors.registry import detectors
    from detectors.rehearsal import rehearse

    from .weights import models_of

    store = models_of(settings)
    rows = store.verify()
    for row in rows:
        if row.status in ("altered", "refused"):
            yield Finding("models", "fail", f"{row.model.name} is {row.status} and not used", row.why)
    troubles = {} if settings.detection else rehearse(store.folder, settings.device, settings.prefer or "")
    for task, detector in detectors().items():
        if task in troubles:
            says, mend = troubles[task]
            yield Finding("models", "fail", f"{task}: {redacted(says)}", mend)
        else:
            yield _used(settings, store, rows, task, detector)
    if settings.detection:
        yield from _elsewhere(settings.detection, settings.detection_secret_text)


def _used(settings: Settings, store: ModelStore, rows: list[Listed], task: str, detector: Detector) -> Finding:
    used = next((row for row in rows if set(row.kinds) & detector.kinds), None)
    best = detector.models[0]
    if used is None:
        missing = store.missing(next(iter(detector.sides)))
        return Finding("models", "warn", f"{task}: no weights", missing.how if missing else "")
    if used.model.name == best.name or best.url is None or task in settings.preferences:
        return Finding("models", "ok", f"{task}: {used.model.name}, {used.status}")
    return Finding(
        "models", "warn", f"{task}: {used.model.name}, in place of {best.name}",
        f"run `darkroom models pull {best.name}`",
    )  # fmt: skip


def _elsewhere(address: str, secret: str | None) -> Iterator[Finding]:
    """What the detection service has to complain of."""
    from .health import detection_state

    problems = asyncio.run(detection_state(address, secret)).get("problems", {})
    for task, problem in problems.items():
        yield Finding("models", "fail", f"{task}: {redacted(problem)}", "mend it on that machine")

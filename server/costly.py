"""What cost a render process its life is refused for a while, before it costs another one."""

from __future__ import annotations

from cachetools import TTLCache

from transforms.failure import Failure

from .keys import identity
from .originals import Version
from .wanted import Wanted

BANNED_FOR = 60.0  # s for which what killed its renderer is refused at once
MOST = 10_000
STRIKES = 3  # pipelines that a source may fail with before it is refused altogether
LIGHT = frozenset({"resize", "crop"})


class Costly:
    """Renders, and sources, that were too costly a moment ago."""

    def __init__(self) -> None:
        self._failures: TTLCache[str, Failure] = TTLCache(MOST, BANNED_FOR)
        self._strikes: TTLCache[str, int] = TTLCache(MOST, BANNED_FOR)

    def ban(self, wanted: Wanted, version: Version, failure: Failure) -> None:
        """A render is refused from now on; the whole source once it failed so in several ways that cost little of
        themselves: else three URLs with effects on an enlarged picture would take it away from everybody.

        With layers that is the source with these layers over it: one of them may have been the costly one.
        """
        failure = failure.with_details()
        self._failures[identity(wanted.ref, version, wanted.pipeline.text)] = failure
        if not _is_light(wanted):
            return
        source = identity(wanted.ref, version)
        self._strikes[source] = self._strikes.get(source, 0) + 1
        if self._strikes[source] >= STRIKES:
            self._failures[source] = failure

    def refuse(self, wanted: Wanted, version: Version) -> None:
        """Raises what a render of this source, or this render of it, cost its process a moment ago."""
        for known in (identity(wanted.ref, version), identity(wanted.ref, version, wanted.pipeline.text)):
            if known in self._failures:
                raise self._failures[known].with_details()  # anew: a raised one holds on to all that was at hand


def _is_light(wanted: Wanted) -> bool:
    """Whether nothing is done that costs much with a small picture, so that the source, or a layer, is to blame."""
    steps = (step for step in wanted.pipeline.steps if step not in wanted.mark.steps)
    changing = [step for step in steps if step.operation.level in ("frame", "image")]
    return all(step.operation.name in LIGHT and not step.arguments.get("enlarge") for step in changing)

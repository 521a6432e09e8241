"""What `darkroom doctor` tests of the watermark: whether its pictures are there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from transforms.failure import Failure

from .configuration import Configuration
from .environment import SettingsError
from .layered import Layered
from .settings import Settings
from .sources.mounts import Mounts
from .sources.url import check_allowed, parse_url
from .watermark import located, watermark_of

if TYPE_CHECKING:
    from .doctor import Finding

MEND = "put it there, or change DARKROOM_WATERMARK: until then no picture is sent"


def watermark(settings: Settings) -> Iterator[Finding]:
    """Whether each of its pictures can be found for each cloud."""
    from .doctor import Finding

    try:
        configuration = Configuration.load(settings.config)
        mounts, mark = configuration.originals(settings), watermark_of(settings, configuration.presets)
    except SettingsError:  # a finding of the settings
        return
    wrong = False
    for cloud, layered in located(mark, mounts):
        problem = _problem(layered, mounts, settings)
        if problem is not None:
            wrong = True
            where = f" for the cloud {cloud}" if cloud else ""
            yield Finding("watermark", "fail", f"{layered.picture}{where}: {problem.message}", MEND)
    if mark.nodes and not wrong:
        yield Finding("watermark", "ok", str(mark))


def _problem(layered: Layered, mounts: Mounts, settings: Settings) -> Failure | None:
    """Why none of its places can be used; what is elsewhere is not asked for."""
    problem = layered.failure
    for place in layered.places:
        try:
            if place.ref.scheme == "file" and place.absent is None:
                mounts.folders.current(place.ref)
            elif not place.ref.root:
                check_allowed(parse_url(place.ref.location), settings.allowed_sources)
        except Failure as failure:
            problem = problem or failure
        else:
            return None
    return problem

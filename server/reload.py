"""SIGHUP: presets, the settings file and keys are read anew, without a request being dropped."""

from __future__ import annotations

import asyncio

from transforms.pipeline import Pipeline

from .configuration import Configuration
from .environment import SettingsError
from .log import logger
from .metrics import Metrics
from .redact import remember, secrets_of
from .render import Delivery
from .settings import Settings
from .signing import Access
from .sources.mounts import Mounts
from .watermark import watermark_of

RELOADED = ("keys", "cloudinary_secret", "admin_token")  # beside what the settings file says


class Reloader:
    """Reads anew what may change while the server runs, and hands it over; `delivery` is set while it does.

    What cannot be read changes nothing: the old keys and presets stay, and the log and a metric say so.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.delivery: Delivery | None = None
        self.admin_token = settings.admin_token_text
        self._settings = settings
        self._metrics = metrics

    async def __call__(self) -> None:
        if self.delivery is None:
            return
        try:
            settings, configuration, mounts, watermark = await asyncio.to_thread(self._read)
        except SettingsError as error:
            self._metrics.reloaded(ok=False)
            logger().error("reload refused, all stays as it was", problems=str(error).splitlines())
            return
        except Exception:
            self._metrics.reloaded(ok=False)
            logger().exception("reload failed, all stays as it was")
            return
        remember(secrets_of(settings))
        self.delivery.reload(configuration.presets, mounts, Access.of(settings), watermark)
        self.admin_token = settings.admin_token_text
        self._settings = settings
        self._metrics.reloaded(ok=True)
        logger().info("reloaded", config=str(settings.config or ""), keys=list(settings.signing_keys))

    def _read(self) -> tuple[Settings, Configuration, Mounts, Pipeline]:
        """Raises SettingsError, a line for each mistake. What needs a restart stays as it was at the start."""
        fresh = Settings.load()
        settings = self._settings.model_copy(update={name: getattr(fresh, name) for name in RELOADED})
        settings.check()
        configuration = Configuration.load(settings.config)
        watermark = watermark_of(settings, configuration.presets)
        return settings, configuration, configuration.originals(settings), watermark

"""The settings: one frozen model, read from options and the environment; its reference is generated from it."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ByteSize, SecretStr, ValidationError

from transforms.limits import Limits

from .environment import (
    MASKED,
    PREFIX,
    SettingsError,
    describe_error,
    describe_unknown,
    extra,
    is_secret,
    unknown,
    variable,
)
from .fields import Fields
from .signing import read_keys, read_secrets
from .sources.http import HttpLimits
from .sources.netguard import Guard
from .sources.storage import StorageAccess

__all__ = ["Reference", "Settings", "SettingsError", "reference"]


class Settings(Fields):
    """Every setting. `Settings.load()` reads them."""

    @classmethod
    def load(cls, **options: Any) -> Settings:
        """Options (None: not given) before the environment before the defaults. Raises SettingsError."""
        given = {name: value for name, value in options.items() if value is not None}
        problems = [describe_unknown(*found) for found in unknown(cls.model_fields, os.environ).items()]
        try:
            settings = cls(**given)
        except ValidationError as error:
            details = [detail for detail in error.errors() if detail["type"] != "default_factory_not_called"]
            problems += [describe_error(detail, cls.model_fields, given) for detail in details]
        if problems:
            raise SettingsError("\n".join(problems))
        return settings

    def check(self) -> None:
        """Raises SettingsError where a server should not start with these settings. Connects to nothing."""
        mistakes = [*self._mistakes()]
        if mistakes:
            raise SettingsError("\n".join(mistakes))
        from .configuration import Configuration  # here, because it takes the registry that few commands need

        configuration = Configuration.load(self.config)
        configuration.originals(self)
        if self.watermark is not None:
            from .watermark import watermark_of

            watermark_of(self, configuration.presets)
        self.check_preferences()
        from .faults import check_hooks

        check_hooks(self)

    def check_preferences(self) -> None:
        """Raises SettingsError where a model that is to be preferred is unknown, or of another kind."""
        if not self.prefer:
            return
        from detectors.models import ModelStore
        from detectors.prefer import check_preferences
        from transforms.failure import Failure

        try:
            check_preferences(ModelStore(self.models, prefer=self.preferences))
        except Failure as failure:
            hint = f"; {failure.hint}" if failure.hint else ""
            raise SettingsError(f"{PREFIX}PREFER={self.prefer}: {failure.message}{hint}") from None

    def _mistakes(self) -> Iterator[str]:
        """What settings alone tell, each beginning with the variable that is at fault."""
        if not _is_loopback(self.host) and not self.unsigned and not self.signing_keys:
            yield (
                f"{PREFIX}HOST={self.host} opens the server to others while URLs need no signature: whoever reaches it"
                " could make it work for them.\nKeep to 127.0.0.1, or set DARKROOM_KEYS=<id>:<secret> so that all URLs"
                " must be signed, or DARKROOM_UNSIGNED=1 (--unsigned) if something in front of it decides who may ask."
            )
        if not self.media.is_dir():
            yield f"{PREFIX}MEDIA={self.media} is no folder; it is where the originals lie"
        for folder in self.fonts:
            if not folder.is_dir():
                yield f"{PREFIX}FONTS={folder} is no folder; it is where font files lie"
        if self.lame_duck and self.lame_duck >= self.graceful_stop_timeout:
            yield (
                f"{PREFIX}LAME_DUCK={self.lame_duck:g} must be less than {PREFIX}GRACEFUL_STOP_TIMEOUT"
                f" ({self.graceful_stop_timeout:g}), which it is a part of: nothing would be left to finish requests in"
            )
        if self.cache_text != "memory:":
            from cache.address import connect  # which connects at its first call only; 0.4 s, where Redis is used

            try:
                connect(self.cache_text)
            except ValueError as error:
                yield f"{PREFIX}CACHE={MASKED} is {error}"

    @property
    def limits(self) -> Limits:
        return Limits(
            source_bytes=int(self.max_src_file_size),
            source_pixels=round(self.max_src_resolution * 1e6),
            total_pixels=round(self.max_total_resolution * 1e6),
            frames=self.max_animation_frames,
            result_side=self.max_result_dimension,
            result_pixels=round(self.max_result_resolution * 1e6),
        )

    @property
    def http_limits(self) -> HttpLimits:
        return HttpLimits(
            self.connect_timeout, self.first_byte_timeout, self.download_timeout, int(self.max_src_file_size)
        )  # fmt: skip

    @property
    def spooled_bytes(self) -> int:
        """Room that downloads want: eight of the greatest size, and those that are kept."""
        return 8 * int(self.max_src_file_size) + int(self.originals_bytes)

    @property
    def storage(self) -> StorageAccess:
        access, secret = (key.get_secret_value() if key else None for key in (self.s3_access_key, self.s3_secret_key))
        return StorageAccess(self.s3_endpoint, self.s3_region, access, secret, self.s3_anonymous)

    @property
    def guard(self) -> Guard:
        return Guard(self.allowed_networks, own_port=self.port)

    @property
    def preferences(self) -> Mapping[str, tuple[str, ...]]:
        """Names of the models that serve a kind first, by kind."""
        from detectors.prefer import read_preferences  # here, because few commands need it

        return read_preferences(self.prefer)

    @property
    def font_folders(self) -> tuple[Path, ...]:
        """Those that are said, and `fonts` in the media folder where there is one."""
        own = self.media / "fonts"
        return (*self.fonts, own) if own.is_dir() else self.fonts

    @property
    def renderers_per_front(self) -> int:
        return max(1, self.renderers // self.workers)

    @property
    def cache_text(self) -> str:
        return self.cache.get_secret_value()

    @property
    def signing_keys(self) -> dict[str, str]:
        """Secrets by the id of their key, in the order given."""
        return read_keys(self.keys.get_secret_value() if self.keys else "")

    @property
    def cloudinary_secrets(self) -> tuple[str, ...]:
        return read_secrets(self.cloudinary_secret.get_secret_value() if self.cloudinary_secret else "")

    @property
    def admin_token_text(self) -> str | None:
        return self.admin_token.get_secret_value() if self.admin_token else None

    @property
    def detection_secret_text(self) -> str | None:
        return self.detection_secret.get_secret_value() if self.detection_secret else None


@dataclass(frozen=True, slots=True)
class Reference:
    """A row of the reference: a variable, its default as text, what it says, the other ways to say it."""

    variable: str
    default: str
    description: str
    fallback: str | None
    file: str | None


def reference() -> list[Reference]:
    """Every variable, in the order of the fields."""
    return [
        Reference(
            variable=variable(name),
            default=extra(field, "shown") or _printed(field.default),
            description=field.description or "",
            fallback=extra(field, "fallback") or None,
            file=f"{variable(name)}_FILE" if is_secret(field) else None,
        )
        for name, field in Settings.model_fields.items()
    ]


def _printed(default: Any) -> str:
    if isinstance(default, ByteSize):
        return default.human_readable(decimal=False, separator="").replace(".0", "")
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    if default in (None, ()):
        return ""
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return f"{default:g}" if isinstance(default, bool | float) else str(default)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

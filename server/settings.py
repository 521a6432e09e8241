"""The settings: one frozen model, read from options and the environment; its reference is generated from it."""

from __future__ import annotations

import importlib.util
import ipaddress
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, ByteSize, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from cache.open import ACCEPTED
from transforms.limits import Limits

from .environment import (
    PREFIX,
    Fallbacks,
    SecretFiles,
    SettingsError,
    describe_error,
    describe_unknown,
    extra,
    is_secret,
    unknown,
    variable,
)
from .signing import read_keys, read_secrets
from .sources.http import HttpLimits
from .sources.netguard import Guard, Network
from .sources.url import AllowedSource

__all__ = ["Reference", "Settings", "SettingsError", "cpus", "reference", "sample_pictures"]

Entry = TypeVar("Entry")
_LIMITS = Limits()
_HTTP = HttpLimits()
_CACHE = re.compile(r"memory:|(redis|rediss|unix)://\S+")


def cpus() -> int:
    """Processors that this process may use: those of its affinity, or of its container's quota if that is fewer."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        granted = math.ceil(int(quota) / int(period))
    except (OSError, ValueError):  # no cgroup v2, or "max"
        granted = 1 << 16
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(here, granted))


def sample_pictures() -> Path:
    """The pictures that come with ultralytics, found without running it: importing it takes 2 s and 500 MiB."""
    found = importlib.util.find_spec("ultralytics")
    folders = found.submodule_search_locations if found else None
    return Path(folders[0]) / "assets" if folders else Path("media")


def model_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "darkroom" / "models"


def _listed(parse: Callable[[str], Entry]) -> Callable[[Any], Any]:
    """A validator that reads a comma-separated list."""

    def read(value: Any) -> Any:
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(parse(part.strip()) if isinstance(part, str) else part for part in parts if str(part).strip())

    return read


def _setting(default: Any, description: str, *, shown: str = "", fallback: str = "", **rest: Any) -> Any:
    """A field. `shown` is what the reference says of a computed default, `fallback` a variable that is asked last."""
    told: dict[str, Any] = {"shown": shown, "fallback": fallback}
    value = {"default_factory": default} if callable(default) else {"default": default}
    return Field(**value, description=description, json_schema_extra=told, **rest)


class Settings(BaseSettings):
    """Every setting, by the name of its variable without DARKROOM_. `Settings.load()` reads them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", str_strip_whitespace=True
    )

    host: str = _setting("127.0.0.1", "Address to listen on; but for loopback it wants KEYS or UNSIGNED", min_length=1)
    port: int = _setting(8080, "Port to listen on; 0 takes a free one", fallback="PORT", ge=0, le=65535)
    unsigned: bool = _setting(False, "1 lets anybody who reaches the server ask for anything, even where KEYS are set")
    keys: SecretStr | None = _setting(None, "Keys that URLs must be signed with, comma-separated id:secret")
    cloudinary_secret: SecretStr | None = _setting(
        None, "API secrets that signatures of Cloudinary's URLs are checked with, comma-separated"
    )
    cloudinary_strict: bool = _setting(
        False, "1 serves Cloudinary's URLs only if they are signed, or made of named transformations alone"
    )
    only_presets: bool = _setting(False, "1 serves only what is made of presets alone, signed or not")
    media: Path = _setting(sample_pictures, "Folder of the originals", shown="the sample pictures of ultralytics")
    config: Path | None = _setting(None, "Settings file (TOML): where originals live, and presets")
    models: Path = _setting(model_folder, "Folder of the models' weights", shown="~/.cache/darkroom/models")
    pull: Literal["background", "never"] = _setting("background", "Whether missing default weights are downloaded")
    models_mirror: str | None = _setting(None, "Address that weights are downloaded from instead of their publishers'")
    device: Literal["auto", "cpu", "cuda"] = _setting("auto", "Where models run; auto takes CUDA if there is one")
    workers: int = _setting(1, "Front processes", fallback="WEB_CONCURRENCY", ge=1, le=256)
    renderers: int = _setting(cpus, "Render processes, of all fronts together", shown="number of CPUs", ge=1, le=1024)
    render_timeout: float = _setting(8.0, "Seconds after which a render is killed", gt=0, le=600)
    render_memory: ByteSize = _setting(ByteSize(2**30), "Bytes that a render may take, as 1GiB or a number", ge=2**26)

    cache: SecretStr = _setting(SecretStr("memory:"), f"Where results are kept: {ACCEPTED}", fallback="REDIS_URL")
    cache_bytes: ByteSize = _setting(ByteSize(128 * 2**20), "Bytes of the memory cache of each front", ge=0)

    detection: str | None = _setting(None, "Address of a running detection service", shown="one is started")
    detection_secret: SecretStr | None = _setting(None, "Secret shared with a detection service on another machine")

    allowed_sources: Annotated[tuple[AllowedSource, ...], NoDecode, BeforeValidator(_listed(AllowedSource.parse))] = (
        _setting((), "Remote sources, comma-separated scheme://host[:port][/path]; *. before a host: what is below it")
    )
    allowed_networks: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_listed(ipaddress.ip_network))] = (
        _setting((), "Networks that may be fetched from although they are not public, comma-separated CIDR blocks")
    )

    timeout: float = _setting(10.0, "Seconds for a request, from its arrival", gt=0, le=600)
    connect_timeout: float = _setting(_HTTP.connect, "Seconds until a source's server is connected to", gt=0, le=60)
    first_byte_timeout: float = _setting(_HTTP.first_byte, "Seconds that a source's server may be silent", gt=0, le=60)
    download_timeout: float = _setting(_HTTP.total, "Seconds for a whole download", gt=0, le=600)
    keep_alive_timeout: int = _setting(75, "Seconds that idle connections stay open", ge=0, le=3600)

    max_src_file_size: ByteSize = _setting(ByteSize(_LIMITS.source_bytes), "Bytes of a source", ge=1)
    max_src_resolution: float = _setting(_LIMITS.source_pixels / 1e6, "Megapixels of a source's frame", gt=0, le=1000)
    max_total_resolution: float = _setting(_LIMITS.total_pixels / 1e6, "Megapixels of all its frames", gt=0, le=1000)
    max_animation_frames: int = _setting(_LIMITS.frames, "Frames of an animation; of longer ones the first", ge=1)
    max_result_dimension: int = _setting(_LIMITS.result_side, "Pixels of a result's side", ge=1, le=65535)
    max_result_resolution: float = _setting(_LIMITS.result_pixels / 1e6, "Megapixels of a result", gt=0, le=1000)
    queue_size: int = _setting(
        lambda data: 32 * data.get("renderers", 1),
        "Renders that may wait, for each front",
        shown="32 × RENDERERS",
        ge=0,
    )
    queue_age: float = _setting(5.0, "Seconds that one may wait", gt=0, le=60)
    url_bytes: int = _setting(8192, "Bytes of a request's path and query", ge=64, le=65536)

    log_level: Literal["debug", "info", "warning", "error"] = _setting("info", "Least level", fallback="LOG_LEVEL")
    log_format: Literal["json", "text"] = _setting("text", "One line a request, for programs or for people")
    source_code: str | None = _setting(None, "Address of the source code that /version names", shown="served here")

    @field_validator("cache")
    @classmethod
    def _known_cache(cls, value: SecretStr) -> SecretStr:
        if not _CACHE.fullmatch(value.get_secret_value()):
            raise ValueError("that is no address of a cache")
        return value

    @field_validator("keys", "cloudinary_secret")
    @classmethod
    def _readable_secrets(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        read = read_keys if info.field_name == "keys" else read_secrets
        if value and not read(value.get_secret_value()):
            raise ValueError("there is nothing between the commas")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

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
        """Raises SettingsError where a server should not start with these settings."""
        if not _is_loopback(self.host) and not self.unsigned and not self.signing_keys:
            raise SettingsError(
                f"{PREFIX}HOST={self.host} opens the server to others while URLs need no signature: whoever reaches it"
                " could make it work for them.\nKeep to 127.0.0.1, or set DARKROOM_KEYS=<id>:<secret> so that all URLs"
                " must be signed, or DARKROOM_UNSIGNED=1 (--unsigned) if something in front of it decides who may ask."
            )
        if not self.media.is_dir():
            raise SettingsError(f"{PREFIX}MEDIA={self.media} is no folder; it is where the originals lie")
        from .configuration import Configuration  # here, because it takes the registry that few commands need

        Configuration.load(self.config).originals(self)

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
    def guard(self) -> Guard:
        return Guard(self.allowed_networks, own_port=self.port)

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
    def detection_secret_text(self) -> str | None:
        return self.detection_secret.get_secret_value() if self.detection_secret else None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, SecretFiles(settings_cls), Fallbacks(settings_cls)


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
    return f"{default:g}" if isinstance(default, bool | float) else str(default)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

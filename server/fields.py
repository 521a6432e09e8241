"""The fields of the settings: names, types, bounds, defaults, and what the reference says of each."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, ByteSize, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from cache.open import ACCEPTED, REDIS
from transforms.limits import Limits
from transforms.output import AUTO_FORMATS

from .environment import PREFIX, Fallbacks, SecretFiles
from .machine import cpus, model_folder, sample_pictures
from .signing import read_keys, read_secrets
from .sources.http import HttpLimits
from .sources.netguard import NAMED, Exempt, Network, parse_exception
from .sources.record import LIFETIMES
from .sources.url import AllowedSource

Entry = TypeVar("Entry")
_LIMITS = Limits()
_HTTP = HttpLimits()
_CACHE = re.compile(rf"memory:|({'|'.join(map(re.escape, REDIS))})://\S+")


def _listed(parse: Callable[[str], Entry]) -> Callable[[Any], Any]:
    """A validator that reads a comma-separated list."""

    def read(value: Any) -> Any:
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(parse(part.strip()) if isinstance(part, str) else part for part in parts if str(part).strip())

    return read


def _formats(value: Any) -> Any:
    """Formats, comma-separated; the word `none` where there are none, as empty variables mean the default."""
    return () if value == "none" else _listed(str)(value)


def _preferences(value: Any) -> Any:
    """Pairs of kind=model, as they are written; raises ValueError for what is none."""
    if isinstance(value, str) and value:
        from detectors.prefer import read_preferences

        read_preferences(value)
    return value


def _setting(default: Any, description: str, *, shown: str = "", fallback: str = "", **rest: Any) -> Any:
    """A field. `shown` is what the reference says of a computed default, `fallback` a variable that is asked last."""
    told: dict[str, Any] = {"shown": shown, "fallback": fallback}
    value = {"default_factory": default} if callable(default) else {"default": default}
    return Field(**value, description=description, json_schema_extra=told, **rest)


def _page(text: str) -> str:
    """An origin of pages as browsers send it."""
    if text != "*" and not re.fullmatch(r"https?://[a-z0-9.\-\[\]:]+", text):
        raise ValueError(f"{text!r} is not of the form https://host[:port]")
    return text


class Fields(BaseSettings):
    """Every setting, by the name of its variable without DARKROOM_, and where it is read from."""

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
    watermark: str | None = _setting(
        None, "Steps laid over every picture, as in a URL: overlay:logo.png,gravity=south_east/end, or preset:<name>"
    )
    fonts: Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_listed(Path))] = _setting(
        (), "Folders of font files for texts, comma-separated, beside fonts/ in MEDIA and those that are installed"
    )
    models: Path = _setting(model_folder, "Folder of the models' weights", shown="~/.cache/darkroom/models")
    pull: Literal["background", "never"] = _setting("background", "Whether missing default weights are downloaded")
    models_mirror: str | None = _setting(None, "Address that weights are downloaded from instead of their publishers'")
    device: Literal["auto", "cpu", "cuda"] = _setting("auto", "Where models run; auto takes CUDA if there is one")
    gpu_memory: ByteSize = _setting(
        ByteSize(0), "Bytes that models may take of a GPU, as 4GiB or a number; 0 sets no bound", ge=0
    )
    prefer: Annotated[str, BeforeValidator(_preferences)] = _setting(
        "", "Models that serve a kind before the default ones, comma-separated kind=model: objects=yolo11m"
    )
    workers: int = _setting(1, "Front processes", fallback="WEB_CONCURRENCY", ge=1, le=256)
    renderers: int = _setting(cpus, "Render processes, of all fronts together", shown="number of CPUs", ge=1, le=1024)
    render_timeout: float = _setting(8.0, "Seconds after which a render is killed", gt=0, le=600)
    render_memory: ByteSize = _setting(ByteSize(2**30), "Bytes that a render may take, as 1GiB or a number", ge=2**26)

    cache: SecretStr = _setting(SecretStr("memory:"), f"Where results are kept: {ACCEPTED}", fallback="REDIS_URL")
    cache_bytes: ByteSize = _setting(ByteSize(128 * 2**20), "Bytes of the memory cache of each front", ge=0)
    cache_disk: Path | None = _setting(None, "Folder of a cache on disk, between memory and Redis; all fronts share it")
    cache_disk_bytes: ByteSize = _setting(ByteSize(2 * 2**30), "Bytes of the cache on disk", ge=2**20)
    cache_prefix: str = _setting("darkroom", "What the keys in Redis begin with", pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    ttl: float = _setting(
        LIFETIMES.unsaid, "Seconds that remote originals are fresh whose origin says nothing", ge=1, le=31_536_000
    )
    least_ttl: float = _setting(
        LIFETIMES.least, "Seconds that they are fresh at least, whatever it says but no-store", ge=1, le=86_400
    )
    browser_ttl: int | None = _setting(
        None, "Seconds that browsers keep a result at most, which no purge reaches (max-age); CDNs keep it longer",
        shown="as long as CDNs", ge=0, le=31_536_000,
    )  # fmt: skip
    stale_ttl: int = _setting(
        86_400, "Seconds that what is stale is served while it is asked for, or cannot be: here, and by CDNs",
        ge=0, le=31_536_000,
    )  # fmt: skip
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed(_page))] = _setting(
        ("*",), "Origins whose pages may read answers (CORS), comma-separated; * is all, nothing is none"
    )
    canonical_link: bool = _setting(False, "1 names the address of a remote source in a Link header, rel=canonical")
    debug_headers: bool = _setting(False, "1 says the sizes of source and result in X-Origin-… and X-Result-…")
    cache_required: bool = _setting(
        False, "1 makes /ready wait for Redis; requests are answered without it all the same"
    )

    detection: str | None = _setting(None, "Address of a running detection service", shown="one is started")
    detection_secret: SecretStr | None = _setting(None, "Secret shared with a detection service on another machine")

    allowed_sources: Annotated[tuple[AllowedSource, ...], NoDecode, BeforeValidator(_listed(AllowedSource.parse))] = (
        _setting((), "Remote sources, comma-separated scheme://host[:port][/path]; *. before a host: what is below it")
    )
    allowed_networks: Annotated[tuple[Exempt, ...], NoDecode, BeforeValidator(_listed(parse_exception))] = _setting(
        (), f"What may be fetched from although it is not public, comma-separated: CIDR blocks, {', '.join(NAMED)}"
    )

    originals_dir: Path | None = _setting(
        None, "Folder that downloaded originals are kept in, for all fronts", shown="a temporary one"
    )
    originals_bytes: ByteSize = _setting(
        ByteSize(512 * 2**20), "Bytes of downloaded originals that are kept on disk; 0 keeps none", ge=0
    )
    s3_endpoint: str | None = _setting(None, "Address of S3-compatible storage", shown="AWS", pattern="^https?://.+")
    s3_region: str | None = _setting(None, "Region of S3 storage", shown="AWS_REGION, us-east-1")
    s3_access_key: SecretStr | None = _setting(None, "Access key id for S3", shown="AWS_ACCESS_KEY_ID, the instance's")
    s3_secret_key: SecretStr | None = _setting(None, "Secret access key for S3", shown="AWS_SECRET_ACCESS_KEY")
    s3_anonymous: bool = _setting(False, "1 asks object storage without signing, for public buckets")

    timeout: float = _setting(10.0, "Seconds for a request, from its arrival", gt=0, le=600)
    connect_timeout: float = _setting(_HTTP.connect, "Seconds until a source's server is connected to", gt=0, le=60)
    first_byte_timeout: float = _setting(_HTTP.first_byte, "Seconds that a source's server may be silent", gt=0, le=60)
    download_timeout: float = _setting(_HTTP.total, "Seconds for a whole download", gt=0, le=600)
    origin_connections: int = _setting(16, "Downloads from one host at a time, for each front", ge=1, le=1024)
    keep_alive_timeout: int = _setting(75, "Seconds that idle connections stay open", ge=0, le=3600)
    graceful_stop_timeout: float = _setting(20.0, "Seconds that stopping may take, LAME_DUCK among them", ge=0, le=3600)
    lame_duck: float = _setting(
        5.0, "Seconds after SIGTERM in which /ready is 503 while all is still served, so that balancers turn away",
        ge=0, le=600,
    )  # fmt: skip

    max_src_file_size: ByteSize = _setting(ByteSize(_LIMITS.source_bytes), "Bytes of a source", ge=1)
    max_src_resolution: float = _setting(_LIMITS.source_pixels / 1e6, "Megapixels of a source's frame", gt=0, le=1000)
    max_total_resolution: float = _setting(_LIMITS.total_pixels / 1e6, "Megapixels of all its frames", gt=0, le=1000)
    max_animation_frames: int = _setting(_LIMITS.frames, "Frames of an animation; of longer ones the first", ge=1)
    max_result_dimension: int = _setting(_LIMITS.result_side, "Pixels of a result's side", ge=1, le=65535)
    max_result_resolution: float = _setting(_LIMITS.result_pixels / 1e6, "Megapixels of a result", gt=0, le=1000)
    active_resolution: float = _setting(
        lambda data: 100.0 * data.get("renderers", 1),
        "Megapixels of the sources that are being rendered, for each front",
        shown="100 × RENDERERS",
        gt=0,
    )
    queue_resolution: float = _setting(
        lambda data: 400.0 * data.get("renderers", 1),
        "Megapixels of the sources whose renders wait, for each front",
        shown="400 × RENDERERS",
        gt=0,
    )
    auto_formats: Annotated[tuple[Literal["avif", "webp"], ...], NoDecode, BeforeValidator(_formats)] = _setting(
        AUTO_FORMATS, "What format:auto may choose for clients that name it, comma-separated; none: the same for all",
        shown="avif,webp",
    )  # fmt: skip
    queue_size: int = _setting(
        lambda data: 256 * data.get("renderers", 1),
        "Renders that may wait, however small, for each front",
        shown="256 × RENDERERS",
        ge=0,
    )
    queue_age: float = _setting(5.0, "Seconds that one may wait", gt=0, le=60)
    max_clients: int = _setting(2048, "Connections, for each front; health checks are above them", ge=1, le=1_000_000)
    header_timeout: float = _setting(5.0, "Seconds for a client to send a request's headers", gt=0, le=600)
    write_timeout: float = _setting(30.0, "Seconds that a client may take nothing of its answer", gt=0, le=3600)
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_listed(ipaddress.ip_network))] = (
        _setting((), "Networks of proxies whose X-Forwarded-For is believed, comma-separated CIDR blocks")
    )
    url_bytes: int = _setting(8192, "Bytes of a request's path and query", ge=64, le=65536)

    log_level: Literal["debug", "info", "warning", "error"] = _setting("info", "Least level", fallback="LOG_LEVEL")
    log_format: Literal["json", "text"] = _setting("text", "One line a request, for programs or for people")
    metrics_bind: str | None = _setting(
        None,
        "host:port that /metrics is served on instead of the main port",
        pattern=r"^(\[[0-9A-Fa-f:.]+\]|[^:\s]+):\d{1,5}$",
    )
    metrics_namespace: str = _setting("darkroom", "What the names of metrics begin with", pattern=r"^[a-z][a-z0-9_]*$")
    tracing: str | None = _setting(
        None, "OTLP/HTTP address that traces are sent to; needs the extra otel", fallback="OTEL_EXPORTER_OTLP_ENDPOINT",
        pattern=r"^https?://\S+$",
    )  # fmt: skip
    error_hook: str | None = _setting(
        None, "module:function that internal errors are told: called with the exception and a dict about it",
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
    )  # fmt: skip
    sentry_dsn: SecretStr | None = _setting(
        None, "Sentry address that internal errors are sent to; needs the extra sentry", fallback="SENTRY_DSN"
    )
    admin_token: SecretStr | None = _setting(None, "Bearer token of DELETE /cache; without it nothing can be purged")
    search: Literal["auto", "open", "secret", "off"] = _setting(
        "auto", "Who may ask /tags and /similar: anybody (open), who has ADMIN_TOKEN (secret), nobody, and nothing is"
        " indexed (off); auto is open where URLs need no signature, else secret",
    )  # fmt: skip
    search_index: Path | None = _setting(
        None, "SQLite file of what was found", shown="in Redis as CACHE, else in CACHE_DISK, else in memory"
    )
    search_entries: int = _setting(1_000_000, "Originals that are indexed at most; the oldest go", ge=100)
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
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, SecretFiles(settings_cls), Fallbacks(settings_cls)

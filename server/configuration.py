"""The settings file, TOML: where originals live, and pipelines that have a name."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from transforms.failure import nearest

from .environment import SettingsError
from .presets import Presets
from .sources.file import FileSource
from .sources.mounts import Base, Mounts, Scope
from .sources.storage import NEEDED, SCHEMES, Bucket, is_installed

if TYPE_CHECKING:
    from .settings import Settings

__all__ = ["Configuration"]

_COMPATIBLE = frozenset(("r2", "b2", "minio", "spaces"))  # which speak the protocol of S3
_OTHER = {"gcs": "gs", "abs": "az", "azblob": "az", "azure": "az"} | dict.fromkeys(_COMPATIBLE, "s3")


def _scope(text: object) -> Scope:
    return Scope.parse(_text(text))


def _text(value: object) -> str:
    if not isinstance(value, str) or not value == value.strip():
        raise ValueError("that is no text without space around it")
    return value


def _base(text: object) -> Base:
    """An http or https address; a Base is taken as it is."""
    return text if isinstance(text, Base) else Base.parse(_text(text))


def _target(text: object, info: ValidationInfo) -> Base | Bucket | Path:
    """A folder, relative ones from the settings file's, or an address."""
    scheme, separator, _ = _text(text).partition("://")
    if not separator:
        return _folder(_text(text), (info.context or {}).get("folder", Path()))
    if scheme in _OTHER:
        endpoint = " and DARKROOM_S3_ENDPOINT" if scheme in _COMPATIBLE else ""
        raise ValueError(f"that kind of storage is written {_OTHER[scheme]}://bucket/prefix{endpoint}")
    if scheme not in SCHEMES:
        return _base(text)
    if not is_installed():
        raise ValueError(NEEDED)
    return Bucket.parse(_text(text))


def _folder(text: str, base: Path) -> Path:
    folder = base / Path(text).expanduser()
    if not text or not folder.is_dir():
        raise ValueError("that is no folder")
    return folder.resolve()


_Scope = Annotated[Scope, BeforeValidator(_scope)]
_Base = Annotated[Base, BeforeValidator(_base)]


class Configuration(BaseModel):
    """What the settings file says; each section may be left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    mounts: dict[_Scope, Annotated[Path | Base | Bucket, BeforeValidator(_target)]] = Field(
        default={}, description="cloud[:delivery type][/prefix] = folder, address or bucket that its originals live in"
    )
    rewrite: dict[_Base, _Base] = Field(
        default={}, description="address = address that is asked instead, for remote sources that begin with it"
    )
    pull_through: dict[_Scope, _Base] = Field(
        default={}, description="cloud[:delivery type][/prefix] = address that missing originals are fetched from, once"
    )
    presets: Presets = Field(default=Presets(), description="name = pipeline, in either spelling")

    @field_validator("presets", mode="before")
    @classmethod
    def _read_presets(cls, value: object) -> object:
        if isinstance(value, dict):
            return Presets.read(value)
        return value

    @field_validator("mounts", "rewrite", "pull_through", mode="wrap")
    @classmethod
    def _each_once(cls, value: object, read: ValidatorFunctionWrapHandler) -> object:
        result = read(value)
        if isinstance(value, dict) and len(result) != len(value):
            raise ValueError("two of its keys mean the same")
        return result

    @classmethod
    def load(cls, path: Path | None) -> Configuration:
        """The configuration of a file, an empty one without. Raises SettingsError, a line for each mistake."""
        if path is None:
            return cls()
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path} is no TOML: {error}") from None
        try:
            return cls.model_validate(content, context={"folder": path.resolve().parent})
        except ValidationError as error:
            lines = (f"{path}: {line}" for detail in error.errors() for line in _described(detail))
            raise SettingsError("\n".join(dict.fromkeys(lines))) from None

    def originals(self, settings: Settings) -> Mounts:
        """The places of the originals; the media folder is that of every cloud where nothing is mounted.

        Raises SettingsError where pull-through has no folder of its own to keep originals in.
        """
        limit = int(settings.max_src_file_size)
        entries = [
            (scope, FileSource(target, limit) if isinstance(target, Path) else target)
            for scope, target in self.mounts.items()
        ]
        mounts = Mounts(FileSource(settings.media, limit), entries, self.pull_through.items(), self.rewrite.items())
        if self.pull_through and not self.mounts and "media" not in settings.model_fields_set:
            raise SettingsError("pull_through: originals are kept in a folder; name it with DARKROOM_MEDIA or [mounts]")
        for line in (*_opened(self), *_unfit(mounts, self)):
            raise SettingsError(line)
        return mounts


def _opened(said: Configuration) -> Iterator[str]:
    """Folders of private and authenticated originals that lie in one of upload's, which anybody may ask for."""
    folders = [(scope, target) for scope, target in said.mounts.items() if isinstance(target, Path)]
    for scope, target in folders:
        around = next((f for s, f in folders if s.delivery == "upload" and target.is_relative_to(f)), None)
        if scope.delivery != "upload" and around is not None:
            yield (
                f'mounts."{scope}": its folder {target} lies in {around}, which is open to all as upload;'
                " originals that want a signature need a folder elsewhere"
            )


def _unfit(mounts: Mounts, said: Configuration) -> Iterator[str]:
    """What is wrong with pull-throughs: each needs a folder to write to, that no other address fills."""
    filled: list[tuple[Scope, str, Base]] = []
    for scope, base in said.pull_through.items():
        name = f'pull_through."{scope}"'
        found = mounts.folder_of(scope)
        if found is None or (scope.delivery != "upload" and not said.mounts):
            yield f"{name}: no folder of its own is mounted for it, so that nothing can be kept"
            continue
        folder, prefix = found
        if not os.access(folder.root, os.W_OK):
            yield f"{name}: its folder {folder.root} cannot be written to"
        filling = scope, os.path.join(folder.root, prefix).rstrip("/"), base
        if any(_collide(filling, other) for other in filled):
            yield f"{name}: its folder {folder.root} is filled from another address too; mount a folder for each"
        filled.append(filling)


def _collide(one: tuple[Scope, str, Base], other: tuple[Scope, str, Base]) -> bool:
    """Whether two pull-throughs could bring different originals under one name, in a folder or in one inside it."""
    (outer, above, first), (inner, below, second) = sorted((one, other), key=lambda filling: len(filling[1]))
    if not f"{below}/".startswith(f"{above}/"):
        return False
    rest = below.removeprefix(above).strip("/")
    if second.url == (f"{first.url}{quote(rest)}/" if rest else first.url):
        return False
    # Of one cloud the longest prefix wins, so that the outer one never fills the inner one's folder.
    nested = inner.prefix == (*outer.prefix, *rest.split("/"))
    return not (rest and nested and (outer.cloud, outer.delivery) == (inner.cloud, inner.delivery))


def _described(detail: Any) -> Iterable[str]:
    """A mistake that pydantic found, as lines: the key, what is wrong, what the entry means."""
    section, *keys = (str(part) for part in detail["loc"])
    message = str(detail["msg"]).removeprefix("Value error, ")
    field = Configuration.model_fields.get(section)
    if field is None:
        close = nearest(section, Configuration.model_fields)
        known = ", ".join(Configuration.model_fields)
        yield f"{section} is no section" + (f"; did you mean [{close}]?" if close else f"; there are {known}")
        return
    if section == "presets" and not keys:
        yield from message.splitlines()
        return
    name = f'{section}."{keys[0]}"' if keys else section
    given = f" = {detail['input']!r}" if keys and keys[-1] != "[key]" and isinstance(detail["input"], str) else ""
    yield f"{name}{given} is not accepted: {message} ({field.description})"

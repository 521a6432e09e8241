"""How settings come out of the environment: names, files of secrets, fallbacks, strangers, and errors in words."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

from transforms.failure import nearest

PREFIX = "DARKROOM_"
MASKED = "•••"

Fields = Mapping[str, FieldInfo]


class SettingsError(Exception):
    """Settings that cannot be used, in words for whoever wrote them: one line for each, secrets masked."""


class SecretFiles(PydanticBaseSettingsSource):
    """Secrets from files that NAME_FILE variables name, as Docker and Kubernetes hand them over."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = os.environ.get(f"{variable(field_name)}_FILE") if is_secret(field) else None
        return (_content(path, field_name) if path else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        values = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value}


class Fallbacks(SecretFiles):
    """The variables without prefix that platforms set: PORT, REDIS_URL, LOG_LEVEL, WEB_CONCURRENCY."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return os.environ.get(extra(field, "fallback")), field_name, False


def variable(name: str) -> str:
    return PREFIX + name.upper()


def is_secret(field: FieldInfo) -> bool:
    return "SecretStr" in str(field.annotation)


def extra(field: FieldInfo, key: str) -> str:
    """What a field says beside pydantic's own: "shown" or "fallback"; empty where it says nothing."""
    found = field.json_schema_extra
    return str(found.get(key, "")) if isinstance(found, dict) else ""


def unknown(
    fields: Fields, environ: Mapping[str, str], ignore: Iterable[str] = ("DARKROOM_SHARED",)
) -> dict[str, str | None]:
    """Variables with our prefix that no field has, each with the nearest that one has: a typo must not lift a limit.

    `ignore` is what only the tests read.
    """
    files = {f"{variable(name)}_FILE" for name, field in fields.items() if is_secret(field)}
    known = {name.lower(): name for name in {variable(name) for name in fields} | files}
    strangers = {name for name in environ if name.upper().startswith(PREFIX) and name.lower() not in known}
    return {name: known.get(nearest(name, known) or "") for name in sorted(strangers - set(ignore))}


def describe_unknown(name: str, close: str | None) -> str:
    return f"{name} is no setting of Darkroom" + (f"; did you mean {close}?" if close else "")


def describe_error(detail: Mapping[str, Any], fields: Fields, options: Iterable[str]) -> str:
    """An error of pydantic's as one line: who said it, what, and what is accepted."""
    name = str(detail["loc"][0])
    field = fields.get(name)
    if field is None:
        return describe_unknown(f"--{name.replace('_', '-')}", None)
    value = MASKED if is_secret(field) else str(detail["input"])
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{_teller(name, field, options)}={value} is not accepted: {message} ({field.description})"


def origin(name: str, field: FieldInfo, options: Iterable[str] = ()) -> str:
    """Who said a setting: its option, variable, file or fallback; "default" where nobody did."""
    if name in options:
        return f"option --{name.replace('_', '-')}"
    told = {name.upper(): value for name, value in os.environ.items() if value}
    if variable(name) in told:
        return "environment"
    file, fallback = told.get(f"{variable(name)}_FILE"), extra(field, "fallback")
    if file and is_secret(field):
        return f"file {file}"
    return f"fallback {fallback}" if fallback in told else "default"


def _teller(name: str, field: FieldInfo, options: Iterable[str]) -> str:
    """Where a value came from: the option or the variable."""
    if name in options:
        return f"--{name.replace('_', '-')}"
    candidates = (variable(name), f"{variable(name)}_FILE", extra(field, "fallback"))
    told = {name.upper() for name, value in os.environ.items() if value}
    return next((candidate for candidate in candidates if candidate in told), variable(name))


def _content(path: str, name: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{variable(name)}_FILE={path} cannot be read") from None

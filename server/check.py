"""`darkroom check`: every setting, its value, and who said it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ByteSize, SecretStr

from .environment import MASKED, origin, variable
from .settings import Settings

FAULTY = "  <- see below"


@dataclass(frozen=True)
class Row:
    """A setting as it is in effect; secrets are masked."""

    variable: str
    value: str
    origin: str

    def described(self) -> dict[str, Any]:
        return asdict(self)


def rows(settings: Settings, options: Collection[str] = ()) -> list[Row]:
    """Every setting, in the order of the reference. `options` are the names that options of the command said."""
    return [
        Row(variable(name), _shown(getattr(settings, name)), origin(name, field, options))
        for name, field in Settings.model_fields.items()
    ]


def printed(shown: Iterable[Row], problems: Iterable[str] = ()) -> str:
    """A line for each; what somebody said stands out by where it comes from, what is at fault by its end."""
    faulty = {problem.partition("=")[0] for problem in problems}
    return "".join(
        f"{row.variable:34} {row.value or '-':40} {row.origin}{FAULTY if row.variable in faulty else ''}\n"
        for row in shown
    )


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return _masked(value.get_secret_value())
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, ByteSize):
        return value.human_readable(decimal=False, separator="").replace(".0", "")
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _masked(secret: str) -> str:
    """Of a secret nothing; of an address with one all but its user and password."""
    if secret == "memory:":  # noqa: S105 - the default, no secret
        return secret
    scheme, separator, rest = secret.partition("://")
    if not separator or scheme.startswith("http"):
        return MASKED
    credentials, at, where = rest.rpartition("@")
    return f"{scheme}://{MASKED + at if credentials else ''}{where.partition('?')[0]}"

"""What commands ask of a server that runs elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import httpx2

from .settings import Settings


def address_of(settings: Settings) -> str:
    """Where a server of these settings is reached from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def purged(address: str, token: str, asked: Mapping[str, str | Sequence[str]]) -> tuple[bool, str]:
    """Whether a purge was done, and the answer as text."""
    headers = {"Authorization": f"Bearer {token}"}
    try:
        answer = httpx2.delete(
            f"{address.rstrip('/')}/cache", params=dict(asked), headers=headers, timeout=60, trust_env=False
        )  # fmt: skip
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return False, f"{address} does not answer: {error}"
    try:
        said = answer.json()
    except ValueError:
        return False, f"{answer.status_code} from {address}, which is no answer of a Darkroom"
    if answer.status_code == 200:
        return True, json.dumps(said)
    hint = f"\n{said['hint']}" if said.get("hint") else ""
    return False, f"{said.get('code', answer.status_code)}: {said.get('detail', '')}{hint}"

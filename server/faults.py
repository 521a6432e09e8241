"""Where internal errors are told beside the log: a function of the operator's, and Sentry."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from .environment import SettingsError
from .log import Hook
from .redact import redacted

if TYPE_CHECKING:
    from .settings import Settings


def check_hooks(settings: Settings) -> None:
    """Raises SettingsError where a hook or an extra that the settings ask for is not installed."""
    if settings.error_hook:
        _function(settings.error_hook)
    if settings.sentry_dsn and find_spec("sentry_sdk") is None:
        raise SettingsError("DARKROOM_SENTRY_DSN wants sentry_sdk: pip install -e '.[sentry]'")
    if settings.tracing and find_spec("opentelemetry.sdk" if find_spec("opentelemetry") else "opentelemetry") is None:
        raise SettingsError("DARKROOM_TRACING wants OpenTelemetry: pip install -e '.[otel]'")


def hook_of(settings: Settings) -> Hook | None:
    """What every exception that is logged is told to, with what the log line says of it; None where nobody asks.

    Raises SettingsError as check_hooks does.
    """
    check_hooks(settings)
    hooks = [_function(settings.error_hook)] if settings.error_hook else []
    if settings.sentry_dsn:
        hooks.append(_sentry(settings.sentry_dsn.get_secret_value()))
    if not hooks:
        return None

    def tell(error: BaseException, context: Mapping[str, Any]) -> None:
        for hook in hooks:
            hook(error, context)

    return tell


async def flush(settings: Settings) -> None:
    """What has not been sent yet gets 2 seconds."""
    if settings.sentry_dsn:
        import sentry_sdk

        await asyncio.to_thread(sentry_sdk.flush, 2.0)


def _function(name: str) -> Hook:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"DARKROOM_ERROR_HOOK={name} cannot be imported: {error}") from None
    if not callable(found):
        raise SettingsError(f"DARKROOM_ERROR_HOOK={name} is no function")
    return cast(Hook, found)


def _sentry(address: str) -> Hook:
    import sentry_sdk

    try:
        # No integrations: they would send requests with their signatures. No local variables: they hold keys.
        sentry_sdk.init(
            dsn=address, default_integrations=False, auto_enabling_integrations=False, include_local_variables=False,
            include_source_context=False, max_breadcrumbs=0, before_send=_scrubbed,
        )  # fmt: skip
    except sentry_sdk.utils.BadDsn:
        raise SettingsError("DARKROOM_SENTRY_DSN is no address of Sentry") from None

    def tell(error: BaseException, context: Mapping[str, Any]) -> None:
        with sentry_sdk.new_scope() as scope:
            scope.set_context("darkroom", dict(context))
            if "request_id" in context:
                scope.set_tag("request_id", str(context["request_id"]))
            scope.capture_exception(error)

    return tell


def _scrubbed(event: Any, hint: object) -> Any:
    """The messages of exceptions may repeat addresses and secrets."""
    for value in event.get("exception", {}).get("values", ()):
        value["value"] = redacted(str(value.get("value", "")))
    return event

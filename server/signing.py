"""Signatures of URLs: how they are made, and which URLs want one."""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import new as new_hash
from typing import TYPE_CHECKING, Literal

from transforms.failure import Failure, Kind
from transforms.pipeline import Pipeline, Preset, Step

if TYPE_CHECKING:
    from .settings import Settings
    from .urls.request import Claim, Dialect, Request, Signature

Algorithm = Literal["sha1", "sha256"]

SHORT, LONG = 8, 32  # characters of Cloudinary's signatures
LEAST_SECRET = 16  # characters of a secret of ours

_KEY = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)


def read_keys(text: str) -> dict[str, str]:
    """Secrets by the id of their key, out of `id:secret,id:secret`; raises ValueError that tells no secret."""
    keys: dict[str, str] = {}
    for entry in read_secrets(text):
        name, colon, secret = entry.partition(":")
        if not colon or not _KEY.fullmatch(name):  # what is no id may be a secret: it is not repeated
            raise ValueError("a key is written id:secret, the id with at most 32 letters, digits, - and _")
        if len(secret) < LEAST_SECRET:
            raise ValueError(f"the secret of key {name} has fewer than {LEAST_SECRET} characters")
        if name in keys:
            raise ValueError(f"there are two keys {name}")
        keys[name] = secret
    return keys


def read_secrets(text: str) -> tuple[str, ...]:
    """The parts between commas or line ends, without the empty ones."""
    return tuple(part.strip() for part in re.split(r"[,\r\n]", text) if part.strip())


def native_signature(secret: str, text: str) -> str:
    """HMAC-SHA256 as URL-safe base64 without padding: 43 characters. `text` has one character a byte."""
    code = hmac.digest(secret.encode(), text.encode("latin-1"), "sha256")
    return urlsafe_b64encode(code).rstrip(b"=").decode("ascii")


def cloudinary_signature(secret: str, text: str, algorithm: Algorithm = "sha1", length: int = SHORT) -> str:
    """The beginning of the hash of text and secret as URL-safe base64. `text` has one character a byte."""
    code = new_hash(algorithm, text.encode("latin-1") + secret.encode()).digest()
    return urlsafe_b64encode(code).decode("ascii")[:length]


def only_presets(pipeline: Pipeline) -> bool:
    """Whether a pipeline is made of presets alone, of one at least."""
    return bool(pipeline.nodes) and all(isinstance(node, Preset) for node in pipeline.nodes)


@dataclass(frozen=True, slots=True)
class Access:
    """What signatures are checked with, and which requests want one.

    `keys` are our own secrets by id. `secrets` are Cloudinary's, whatever the cloud: the old one holds until it is
    taken out. With keys every URL must be signed, in both dialects, unless `unsigned` is said.
    """

    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    unsigned: bool = False
    strict: bool = False
    only_presets: bool = False

    @staticmethod
    def of(settings: Settings) -> Access:
        return Access(
            settings.signing_keys, settings.cloudinary_secrets, settings.unsigned, settings.cloudinary_strict,
            settings.only_presets,
        )  # fmt: skip

    def verify(self, claim: Claim) -> None:
        """What the signature alone decides, asked before any step of a path is read: 401 or 403 as `check`.

        Lets pass what `check` may still refuse: where presets decide, or what is done to a private original.
        """
        if claim.pointless or (claim.malformed and not self._is_closed):
            return  # reading it says what is wrong
        if claim.signature is not None:
            self._check_signature(claim.dialect, claim.signature)
        elif self._surely_wants_signature(claim):
            raise _refusal(claim.dialect, "signature-required", "this URL must be signed")

    def check(
        self, request: Request, now: float, expand: Callable[[Pipeline], Pipeline] = lambda pipeline: pipeline
    ) -> None:
        """Lets a request pass or raises Failure: 401 in Cloudinary's dialect, 403 in ours. `now` is in Unix seconds.

        `expand` puts the nodes of presets in their place: one may do nothing to a private original.
        bad-signature, signature-not-configured, signature-required, signature-expired (403), presets-only.
        """
        if request.signature is not None:
            self._check_signature(request.dialect, request.signature)
        elif self._wants_signature(request, expand):
            raise _refusal(request.dialect, "signature-required", "this URL must be signed")
        if request.expires is not None and now >= request.expires:
            raise Failure(Kind.FORBIDDEN, "signature-expired", "the URL has expired")
        if self.only_presets and not only_presets(request.pipeline):
            raise _refusal(request.dialect, "presets-only", "this server makes pictures by named presets alone")

    def _check_signature(self, dialect: Dialect, signature: Signature) -> None:
        native = signature.dialect == "native"
        if not (self.keys if native else self.secrets):
            setting = "DARKROOM_KEYS" if native else "DARKROOM_CLOUDINARY_SECRET"
            raise _refusal(
                dialect, "signature-not-configured", "this server has no secret that signatures are checked with",
                hint=f"the operator can set {setting}",
            )  # fmt: skip
        if not (self._is_ours(signature) if native else self._is_cloudinarys(signature)):
            raise _refusal(dialect, "bad-signature", "the signature is wrong", hint="`darkroom sign` prints right ones")

    def _is_ours(self, signature: Signature) -> bool:
        secret = self.keys.get(signature.key)  # ids are no secrets: an unknown one may be refused sooner
        return secret is not None and _any_equal(
            signature.given, [native_signature(secret, text) for text in signature.texts]
        )  # fmt: skip

    def _is_cloudinarys(self, signature: Signature) -> bool:
        algorithms: tuple[Algorithm, ...] = ("sha256",) if len(signature.given) == LONG else ("sha1", "sha256")
        expected = [
            cloudinary_signature(secret, text, algorithm, LONG if len(signature.given) == LONG else SHORT)
            for secret in self.secrets
            for text in signature.texts
            for algorithm in algorithms
        ]
        return _any_equal(signature.given, expected)

    @property
    def is_open(self) -> bool:
        """Whether anybody may ask for anything that is not private."""
        return not (self._is_closed or self.strict or self.only_presets)

    @property
    def _is_closed(self) -> bool:
        return bool(self.keys) and not self.unsigned

    def _surely_wants_signature(self, claim: Claim) -> bool:
        if claim.dialect == "native" or claim.malformed:
            return self._is_closed
        if claim.delivery in ("authenticated", "private"):
            return claim.delivery == "authenticated" or self._is_closed or self.strict
        return not claim.presets if self.strict else self._is_closed

    def _wants_signature(self, request: Request, expand: Callable[[Pipeline], Pipeline]) -> bool:
        closed = self._is_closed
        if request.dialect == "native":
            return closed
        if request.delivery == "authenticated":
            return True
        if request.delivery == "private":
            return closed or self.strict or not _derived(expand(request.pipeline))
        return not only_presets(request.pipeline) if self.strict else closed


def _derived(pipeline: Pipeline) -> bool:
    """Whether other pixels are made of the original in any case: what a condition guards may never be done."""
    return any(
        isinstance(node, Preset) or (isinstance(node, Step) and node.operation.level in ("frame", "image"))
        for node in pipeline.unconditional
    )


def _any_equal(given: str, expected: list[str]) -> bool:
    """Compared in constant time, and all of them, so that the time tells neither how much nor which one fits."""
    return any([hmac.compare_digest(given.encode(), one.encode()) for one in expected])  # noqa: C419 - no early exit


def _refusal(dialect: Dialect, code: str, message: str, hint: str | None = None) -> Failure:
    kind = Kind.FORBIDDEN if dialect == "native" else Kind.UNAUTHORISED
    return Failure(kind, code, message, hint=hint)

"""Everything that embedkit raises.

    EmbedKitError
    ├── ConfigurationError      configuration       a setting is missing or wrong; raised at start-up
    ├── UnsupportedReference    unsupported         not a Getty Images reference
    └── ProviderError           provider            Getty could not, or would not, give the embed
        ├── NotFound            not-found           404 and 410: withdrawn, the copy is dropped
        ├── NotEmbeddable       not-embeddable      exists, but may not be embedded
        ├── RateLimited         rate-limited        too many calls a second
        ├── QuotaExhausted      quota-exhausted     too many calls a day
        ├── Unauthorized        unauthorized        the key or the secret is refused
        ├── Unavailable         unavailable         down, slow, unreachable
        └── InvalidResponse     invalid-response    answered, but not with anything that may be used

Each class has a stable ``code``, the HTTP status that the service answers it with and the exit code of the command
line; where it names none, those of the class above it hold. Instances carry evidence: ``hint`` (what to do),
``ref`` and ``retry_after``.
"""

from __future__ import annotations

from typing import Any


class EmbedKitError(Exception):
    """The root of the tree; catch it to catch all of them.

    :param message: what was wrong, for a person.
    :param hint: what to do about it.
    :param ref: the reference concerned, as its items joined by commas.
    :param retry_after: seconds after which another try makes sense.
    """

    code = "error"
    title = "Something went wrong"
    http_status = 500
    exit_code = 3

    def __init__(
        self,
        message: str = "",
        *,
        hint: str | None = None,
        ref: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message or self.title)
        self.hint = hint
        self.ref = ref
        self.retry_after = retry_after

    @property
    def message(self) -> str:
        """What was wrong, without the hint."""
        return str(self.args[0])

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class ConfigurationError(EmbedKitError):
    """A setting is missing or wrong."""

    code = "configuration"
    title = "Wrong configuration"
    exit_code = 2


class UnsupportedReference(EmbedKitError):
    """The text is not a reference to a Getty Images picture."""

    code = "unsupported"
    title = "Not a Getty Images reference"
    http_status = 404
    exit_code = 2


class ProviderError(EmbedKitError):
    """Getty Images could not, or would not, give the embed."""

    code = "provider"
    title = "Getty Images gave no embed"
    http_status = 502


class NotFound(ProviderError):
    """There is no such picture, or it has been withdrawn (404, 410); ``gone`` says that it was a 410."""

    code = "not-found"
    title = "Picture not found"
    http_status = 404
    exit_code = 4
    gone = False


class NotEmbeddable(ProviderError):
    """The picture exists, but Getty Images does not let it be embedded."""

    code = "not-embeddable"
    title = "Picture not embeddable"
    http_status = 403
    exit_code = 5


class RateLimited(ProviderError):
    """Too many calls a second."""

    code = "rate-limited"
    title = "Too many calls"
    http_status = 429
    exit_code = 6


class QuotaExhausted(ProviderError):
    """Too many calls a day."""

    code = "quota-exhausted"
    title = "Daily quota exhausted"
    http_status = 429
    exit_code = 6


class Unauthorized(ProviderError):
    """The credentials are missing or refused; the message names the setting, never its value."""

    code = "unauthorized"
    title = "Credentials refused"
    exit_code = 2


class Unavailable(ProviderError):
    """Getty Images is down, slow or out of reach."""

    code = "unavailable"
    title = "Getty Images is unavailable"
    http_status = 503


class InvalidResponse(ProviderError):
    """Getty Images answered, but not with anything that may be put on a page.

    ``texts`` holds the title, photographer and so on where the answer named the picture that was asked for: enough
    for a credited link. ``outage`` is True where the answer was not oEmbed at all, such as a maintenance page: the
    endpoint is at fault, and not the picture.
    """

    code = "invalid-response"
    title = "Unusable answer from Getty Images"
    outage = False

    def __init__(self, message: str = "", *, texts: dict[str, str] | None = None, **evidence: Any) -> None:
        super().__init__(message, **evidence)
        self.texts = texts or {}


def missing_package(what: str, package: str, extra: str) -> ConfigurationError:
    """What to raise where a package of one of our extras is not installed.

    :param what: what needs it, as the subject of a sentence.
    """
    hint = f"In a clone of embedkit, run: pip install '.[{extra}]'"
    return ConfigurationError(f"{what} needs the package {package}.", hint=hint)

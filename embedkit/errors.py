"""The exceptions that embedkit raises.

    EmbedKitError
    ├── ConfigurationError      configuration       a setting is missing or wrong; raised at start-up
    ├── UnsupportedReference    unsupported         not a Getty Images reference
    └── ProviderError           provider            Getty returned no embed
        ├── NotFound            not-found           404 and 410: withdrawn; the cached copy is dropped
        ├── NotEmbeddable       not-embeddable      the picture exists, but may not be embedded
        ├── RateLimited         rate-limited        too many calls per second
        ├── QuotaExhausted      quota-exhausted     too many calls per day
        ├── Unauthorized        unauthorized        the credentials are missing or rejected
        │   ├── InvalidKey      invalid-key         the key or its secret is wrong
        │   └── InvalidToken    invalid-token       the token is wrong, or belongs to no customer
        ├── PermissionDenied    permission-denied   the key or customer lacks the product or the right
        ├── NotLicensed         not-licensed        the picture is outside the agreement
        ├── AlreadyLicensed     already-licensed    the download would be a second licence
        ├── LicenseUnknown      license-unknown     the response to an order was lost
        ├── Unavailable         unavailable         down, slow, unreachable
        └── InvalidResponse     invalid-response    Getty answered, but with nothing usable

Each class has a stable ``code``, the HTTP status of the service's response, and the exit code of the command line;
a class that defines none of its own inherits them. Instances carry details: ``hint`` (what to do), ``ref`` and
``retry_after``; those from Getty also the request and the response. After a network failure, ``__cause__`` is the
original exception. None of the details contains a secret.
"""

from __future__ import annotations

from typing import Any, Self


class EmbedKitError(Exception):
    """The base class of all embedkit errors.

    :param message: a description of the problem, for people.
    :param hint: what to do about it.
    :param ref: the reference concerned: its IDs, joined by commas.
    :param retry_after: seconds to wait before trying again.
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
        """The description of the problem, without the hint."""
        return str(self.args[0])

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def as_json(self) -> dict[str, str]:
        """Return the error as JSON, for other programs."""
        return {"code": self.code, "title": self.title, "detail": str(self)}

    def __copy__(self) -> Self:
        """Return a copy for another thread to raise; the default copy would lose the cause."""
        twin = type(self).__new__(type(self), *self.args)
        twin.__dict__.update(self.__dict__)
        twin.__cause__ = self.__cause__
        return twin


class ConfigurationError(EmbedKitError):
    """A setting is missing or wrong."""

    code = "configuration"
    title = "Invalid configuration"
    exit_code = 2


class UnsupportedReference(EmbedKitError):
    """The text is not a reference to a Getty Images picture."""

    code = "unsupported"
    title = "Not a Getty Images reference"
    http_status = 404
    exit_code = 2


class ProviderError(EmbedKitError):
    """Getty Images returned no embed, or no answer.

    :param status: the HTTP status of Getty's response; None if there was no response.
    :param getty_code: Getty's own error code, such as ImageNotFound; None if there isn't one.
    :param request_url: the URL of the request with its parameters, without secrets; only the host of a signed URL.
    """

    code = "provider"
    title = "Getty Images returned no embed"
    http_status = 502

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        getty_code: str | None = None,
        request_url: str | None = None,
        **evidence: Any,
    ) -> None:
        super().__init__(message, **evidence)
        self.status = status
        self.getty_code = getty_code
        self.request_url = request_url


class NotFound(ProviderError):
    """There is no such picture, or it has been withdrawn (404, 410); ``gone`` is True for a 410."""

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
    """Too many calls per second."""

    code = "rate-limited"
    title = "Too many calls"
    http_status = 429
    exit_code = 6


class QuotaExhausted(ProviderError):
    """Too many calls per day."""

    code = "quota-exhausted"
    title = "Daily quota exhausted"
    http_status = 429
    exit_code = 6


class Unauthorized(ProviderError):
    """The credentials are missing or rejected; the message names the setting, never its value."""

    code = "unauthorized"
    title = "Credentials rejected"
    exit_code = 2


class InvalidKey(Unauthorized):
    """The key is missing, misspelled or inactive, or the secret doesn't belong to it."""

    code = "invalid-key"
    title = "API key rejected"


class InvalidToken(Unauthorized):
    """The token is missing, expired or rejected, or the call needs a customer's token."""

    code = "invalid-token"
    title = "Access token rejected"


class PermissionDenied(ProviderError):
    """The credentials are valid, but the key or the customer lacks the product or the right."""

    code = "permission-denied"
    title = "Permission denied"
    http_status = 403
    exit_code = 2


class NotLicensed(ProviderError):
    """The picture is outside the customer's agreement, so it can't be downloaded."""

    code = "not-licensed"
    title = "Picture not licensed"
    http_status = 403
    exit_code = 5


class AlreadyLicensed(ProviderError):
    """The picture is already licensed, and ordering its file again would be a second licence."""

    code = "already-licensed"
    title = "Picture already licensed"
    http_status = 409
    exit_code = 1


class LicenseUnknown(ProviderError):
    """The response to an order was lost, and the download history doesn't show whether it became a licence."""

    code = "license-unknown"
    title = "Licence unknown"
    http_status = 409
    exit_code = 1


class Unavailable(ProviderError):
    """Getty Images is down, slow or unreachable."""

    code = "unavailable"
    title = "Getty Images is unavailable"
    http_status = 503


class InvalidResponse(ProviderError):
    """Getty Images answered, but with nothing that can safely be put on a page.

    ``texts`` holds the title, photographer and so on if the response described the requested picture: enough for a
    credited link. ``outage`` is True if the response was not oEmbed at all, such as a maintenance page: then the
    endpoint is at fault, not the picture.
    """

    code = "invalid-response"
    title = "Unusable response from Getty Images"
    outage = False

    def __init__(self, message: str = "", *, texts: dict[str, str] | None = None, **evidence: Any) -> None:
        super().__init__(message, **evidence)
        self.texts = texts or {}


def missing_package(what: str, package: str, extra: str) -> ConfigurationError:
    """Return the error for a package of one of our extras that is not installed.

    :param what: the feature that needs it, as the subject of a sentence.
    """
    hint = f"In a clone of embedkit, run: pip install '.[{extra}]'"
    return ConfigurationError(f"{what} needs the package {package}.", hint=hint)

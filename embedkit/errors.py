"""Everything that embedkit raises.

    EmbedKitError
    ├── ConfigurationError      configuration       a setting is missing or wrong; raised at start-up
    ├── UnsupportedReference    unsupported         not a Getty Images reference
    └── ProviderError           provider            Getty could not, or would not, give the embed
        ├── NotFound            not-found           404 and 410: withdrawn, the copy is dropped
        ├── NotEmbeddable       not-embeddable      exists, but may not be embedded
        ├── RateLimited         rate-limited        too many calls a second
        ├── QuotaExhausted      quota-exhausted     too many calls a day
        ├── Unauthorized        unauthorized        the credentials are missing or refused
        │   ├── InvalidKey      invalid-key         the key, or the secret that goes with it
        │   └── InvalidToken    invalid-token       the token, or it is not one of a customer
        ├── PermissionDenied    permission-denied   the key or the customer lacks the product or the right
        ├── NotLicensed         not-licensed        a download of a picture outside the agreement
        ├── AlreadyLicensed     already-licensed    a download would be a second licence
        ├── LicenseUnknown      license-unknown     an order's answer was lost, and so is whether it is a licence
        ├── Unavailable         unavailable         down, slow, unreachable
        └── InvalidResponse     invalid-response    answered, but not with anything that may be used

Each class has a stable ``code``, the HTTP status that the service answers it with and the exit code of the command
line; where it names none, those of the class above it hold. Instances carry evidence: ``hint`` (what to do),
``ref`` and ``retry_after``; those of Getty also what was asked and answered; and on the wire ``__cause__`` is what
the system said. No evidence holds a secret.
"""

from __future__ import annotations

from typing import Any, Self


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

    def as_json(self) -> dict[str, str]:
        """The error as other programs get it."""
        return {"code": self.code, "title": self.title, "detail": str(self)}

    def __copy__(self) -> Self:
        """The same error, to be raised by another thread; copying would lose the cause."""
        twin = type(self).__new__(type(self), *self.args)
        twin.__dict__.update(self.__dict__)
        twin.__cause__ = self.__cause__
        return twin


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
    """Getty Images could not, or would not, give the embed.

    :param status: the HTTP status that Getty answered with; None without an answer.
    :param getty_code: Getty's own word for it, such as ImageNotFound; None where it has none.
    :param request_url: what was asked, with its parameters and without secrets; of a signed URL the host alone.
    """

    code = "provider"
    title = "Getty Images gave no embed"
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


class InvalidKey(Unauthorized):
    """The key is missing, misspelled or inactive, or the secret is not the one that goes with it."""

    code = "invalid-key"
    title = "API key refused"


class InvalidToken(Unauthorized):
    """The token is missing, expired or refused, or it is not one of a customer where there has to be one."""

    code = "invalid-token"
    title = "Access token refused"


class PermissionDenied(ProviderError):
    """The credentials are good, but the key or the customer lacks the product or the right."""

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
    """The picture is licensed, and another order of its file would be a second licence."""

    code = "already-licensed"
    title = "Picture licensed already"
    http_status = 409
    exit_code = 1


class LicenseUnknown(ProviderError):
    """The answer to an order was lost, and the download history does not tell whether it is a licence."""

    code = "license-unknown"
    title = "Licence unknown"
    http_status = 409
    exit_code = 1


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

"""Handling each kind of error."""

from embedkit import (
    ConfigurationError,
    Embed,
    EmbedKit,
    EmbedKitError,
    NotFound,
    ProviderError,
    RateLimited,
    UnsupportedReference,
)


def look(kit: EmbedKit, reference: str) -> Embed | str:
    try:
        return kit.resolve(reference, max_width=400)
    except NotFound as error:
        return f"{error.ref} was withdrawn"
    except RateLimited as error:
        return f"again in {error.retry_after or 60:.0f} seconds"
    except ProviderError as error:
        return error.code
    except (UnsupportedReference, ConfigurationError) as error:
        return error.hint or str(error)


def titles(kit: EmbedKit, references: list[str]) -> list[str]:
    found = kit.resolve_many(references)
    return [one.code if isinstance(one, EmbedKitError) else one.title for one in found]

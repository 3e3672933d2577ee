"""embedkit: a Getty Images reference goes in, a safe embed comes out.

    from embedkit import EmbedKit

    kit = EmbedKit()
    kit.html("74917285")

Names are imported when first used (PEP 562), so that importing the package costs nothing.
"""

__version__ = "0.1.0"

_HOMES = {
    "EmbedKit": "kit",
    "Settings": "settings",
    "AssetRef": "models",
    "Board": "api.board_models",
    "Collection": "api.models",
    "Country": "api.models",
    "Document": "models",
    "Embed": "models",
    "Frame": "models",
    "Image": "api.models",
    "Options": "models",
    "Problem": "models",
    "RenderOptions": "models",
    "Report": "models",
    "SearchPage": "api.models",
    "Shortcode": "models",
    "ConfigurationError": "errors",
    "EmbedKitError": "errors",
    "InvalidResponse": "errors",
    "NotEmbeddable": "errors",
    "NotFound": "errors",
    "ProviderError": "errors",
    "QuotaExhausted": "errors",
    "RateLimited": "errors",
    "Unauthorized": "errors",
    "Unavailable": "errors",
    "UnsupportedReference": "errors",
    "static_dir": "rendering.renderer",
    "templates_dir": "rendering.renderer",
    "create_app": "web",
    "create_blueprint": "web",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'embedkit' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"embedkit.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})

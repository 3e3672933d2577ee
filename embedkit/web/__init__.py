"""The service: an oEmbed provider, a JSON API and frame pages, as an application or as a blueprint for yours.

from embedkit import create_app, create_blueprint

app = create_app()                                              # settings from the environment
your_app.register_blueprint(create_blueprint(kit), url_prefix="/getty")
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embedkit.web.app import create_app, create_blueprint, watch_changes
    from embedkit.web.bulkhead import three_in_four
    from embedkit.web.openapi import openapi_document

__all__ = ["create_app", "create_blueprint", "openapi_document", "three_in_four", "watch_changes"]

HOMES = {"openapi_document": "openapi", "three_in_four": "bulkhead"}  # modules of the names that are not in app.py
EXTRA = ("flask_cors", "limits", "msgspec")


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'embedkit.web' has no attribute {name!r}")
    from importlib import import_module

    try:
        module = import_module(f"embedkit.web.{HOMES.get(name, 'app')}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRA:
            raise
        from embedkit.errors import missing_package

        raise missing_package("The service", str(error.name), "server") from None
    return getattr(module, name)

"""The service: oEmbed provider, JSON API, frame pages; a whole application, or a blueprint for yours.

from embedkit import create_app, create_blueprint

app = create_app()                                              # settings from the environment
your_app.register_blueprint(create_blueprint(kit), url_prefix="/getty")
"""

from embedkit.errors import ConfigurationError

EXTRA = ("apispec", "flask_cors", "limits", "msgspec")

try:
    from embedkit.web.app import create_app, create_blueprint
    from embedkit.web.openapi import openapi_document
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in EXTRA:
        raise
    raise ConfigurationError(
        f"The service needs the package {error.name}.", hint="Run: pip install 'embedkit[server]'"
    ) from None

__all__ = ["create_app", "create_blueprint", "openapi_document"]

"""The service as part of an application whose own login controls access to search."""

from flask import Flask, session

from embedkit import EmbedKit, Settings, create_app, create_blueprint


def may(action: str) -> bool:
    return action != "purge" and "user" in session


kit = EmbedKit(Settings.from_mapping({"CACHE": "memory:", "SECRET": "x" * 40, "RATE_LIMIT": "60/minute"}))
app = Flask(__name__)
app.register_blueprint(create_blueprint(kit, authorize=may), url_prefix="/getty")
whole: Flask = create_app(kit=kit)

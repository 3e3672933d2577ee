"""Django's admin and Wagtail's admin, with embedkit's picker as a form field."""

from __future__ import annotations

import atexit
import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from newsroom import Packages, Post, Service, run
from slipway import settings as defaults

HERE = Path(__file__).resolve().parent
WORDS = Post()


def create(service: Service, _: Packages) -> Any:
    """Return the site, with a database that exists as long as the process."""
    folder = tempfile.mkdtemp(prefix="slipway-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings.configure(
        **{name: value for name, value in vars(defaults).items() if name.isupper()},
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": f"{folder}/db.sqlite3",
                "OPTIONS": {"transaction_mode": "IMMEDIATE"},  # Wagtail's admin writes while it publishes
            }
        },
        MEDIA_ROOT=folder,
        EMBEDKIT={
            "cache": "memory:",
            "secret": secrets.token_hex(32),
            "public_url": service.url,
            "tokens": service.token,
            # the sandbox instead of Getty
            "oembed_endpoint": f"{service.pictures}/oembed",
            "frame_origin": service.pictures,
            "image_origins": service.pictures,
        },
        EMBEDKIT_SERVICE=service,
    )
    django.setup()
    print("Creating the database …", file=sys.stderr, flush=True)
    call_command("migrate", verbosity=0)
    fill()
    return get_wsgi_application()


def fill() -> None:
    """Create an editor, a post and a page."""
    from django.contrib.auth import get_user_model
    from django.utils.html import strip_tags
    from slipway import models
    from wagtail.models import Page, Site

    get_user_model().objects.create_superuser("editor", "editor@example.org", "editor")
    models.Post.objects.create(title=WORDS.title, body=strip_tags(WORDS.body.replace("</p><p>", "\n\n")))
    Page.objects.filter(depth__gt=1).delete()
    story = models.StoryPage(title=WORDS.title, slug="night", body=WORDS.body)
    Page.objects.get(depth=1).add_child(instance=story)
    Site.objects.create(hostname="127.0.0.1", root_page=story, is_default_site=True)


if __name__ == "__main__":
    run(create, HERE)

"""For WSGI servers: ``gunicorn wsgi:app``. Settings come from the environment (``EMBEDKIT_…``)."""

from embedkit.web import create_app

app = create_app()

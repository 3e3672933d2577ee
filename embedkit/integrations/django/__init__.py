"""Django: an app, ``INSTALLED_APPS = ["embedkit.integrations.django", …]``, with settings in ``EMBEDKIT = {…}``.

In templates ``{% load embedkit %}``, then ``{% getty "74917285" max_width=594 %}`` and ``{{ body|getty }}``; on
the command line ``manage.py embedkit check content``.
"""

from __future__ import annotations

from functools import cache

from embedkit.integrations.site import settings_of
from embedkit.kit import EmbedKit


@cache
def kit() -> EmbedKit:
    """The one kit of this process, for all threads; made at first use.

    :raises ConfigurationError: for a wrong setting; ``manage.py check`` names it.
    """
    from django.conf import settings

    return EmbedKit(settings_of(getattr(settings, "EMBEDKIT", {})))

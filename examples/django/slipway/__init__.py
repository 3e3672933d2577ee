"""A small news site in Django, whose posts have a featured picture; the same in Wagtail.

The part to take along is ``fields.py`` with ``templates/slipway/picker.html``.
"""

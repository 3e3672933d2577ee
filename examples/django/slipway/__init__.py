"""A small news site in Django, whose posts have a featured picture; the same in Wagtail."""

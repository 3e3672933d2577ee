"""A small news site in Django and Wagtail, whose posts have a featured picture."""

"""Shortcodes and links in texts: found, written, replaced; and what is code and stays as it is."""

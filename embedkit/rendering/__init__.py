"""Render records: one template per target, with output escaped for the parsers that read it next."""

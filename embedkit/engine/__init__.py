"""Resolving references to embeds: fetching, refreshing, locking, and rendering them in texts."""

"""Copies of records, in memory and in a store; :mod:`embedkit.cache.embed_cache` says how they relate."""

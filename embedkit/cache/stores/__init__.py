"""Where copies are kept: cachelib backends; :mod:`embedkit.cache.stores.factory` opens the one of a URL."""

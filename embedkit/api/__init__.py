"""The Getty Images API v3: :attr:`embedkit.EmbedKit.api`. What is pure builds requests and reads answers; only
``session``, ``tokens``, ``response_cache``, ``budget`` and ``downloads`` do I/O."""

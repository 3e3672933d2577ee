"""A custom cache store: any object with the methods of cachelib's backends."""

from datetime import timedelta
from typing import Any

from cachelib import BaseCache

from embedkit import EmbedCache, EmbedKit, Settings


class DictCache(BaseCache):
    """Stores entries in a dictionary until the process ends."""

    def __init__(self) -> None:
        super().__init__(default_timeout=0)
        self.copies: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        return self.copies.get(key)

    def set(self, key: str, value: Any, timeout: int | timedelta | None = None) -> bool:
        self.copies[key] = value
        return True

    def delete(self, key: str) -> bool:
        return self.copies.pop(key, None) is not None


kit = EmbedKit(Settings.from_mapping({"SECRET": "x" * 40}), cache=DictCache())
cache: EmbedCache = kit.cache

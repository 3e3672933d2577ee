"""From references to embeds: resolve, refresh, lock, and put them into texts."""

"""Find, format and replace shortcodes and links in texts, and recognize code, which stays unchanged."""

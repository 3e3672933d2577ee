SITENAME = "Two minutes of night"
AUTHOR = "The harbour desk"
TIMEZONE = "UTC"
PATH = "content"
RELATIVE_URLS = True
FEED_ALL_ATOM = CATEGORY_FEED_ATOM = TRANSLATION_FEED_ATOM = AUTHOR_FEED_ATOM = AUTHOR_FEED_RSS = None
PLUGINS = ["embedkit.integrations.pelican"]

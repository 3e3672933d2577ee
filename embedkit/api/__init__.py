"""The Getty Images API v3: :attr:`embedkit.EmbedKit.api`, an instance of :class:`embedkit.api.client.Api`.

=================  =========================================================================
client.py          Api: pictures, events, countries, collections, the account; raw calls
search.py          kit.api.search: the requests and methods of every search
images.py          pictures by ID: requests and responses
boards.py          boards, their pictures and comments
events.py          events: requests and responses
account.py         products, past downloads and the customer
changes.py         the feed of asset changes
raw.py             calls by path, for everything without a method of its own
downloads.py       licensed files: sizes, URLs, and saving them to disk
orders.py          places the orders for these files, none of them twice
licenses.py        what the journal knows about licences; order requests and their responses
models.py          the values that are returned
parameters.py      the parameters of every endpoint, in one table; encoding.py checks and encodes them
requests.py        what all requests have in common: URL, language, allowed redirects
decoding.py        JSON to values; errors.py maps unexpected statuses to errors
oauth.py           OAuth2 grants and tokens: requests and responses
login.py           logging in with a browser
token_file.py      the files that hold such a login, and the token that processes share
session.py         sends requests with key and token, and renews the token
response_cache.py  responses of the last five minutes; the daily search budget
=================  =========================================================================

Only session.py, token_file.py, response_cache.py, downloads.py and orders.py perform I/O.
"""

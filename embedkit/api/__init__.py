"""The Getty Images API v3: :attr:`embedkit.EmbedKit.api`, which is :class:`embedkit.api.client.Api`.

=================  =========================================================================
client.py          the methods on pictures, countries and collections; search, boards, downloads
search.py          a request, what its answer means, and the methods of kit.api.search
images.py          pictures by their IDs; what a picture is in any answer
boards.py          the same as search.py for boards, their pictures and comments
events.py          the same for events
account.py         the same for products, past downloads and the customer
changes.py         the same for the feed of changes
raw.py             calls by their paths, for the rest
downloads.py       licensed files: their sizes, URLs and places on the disk
orders.py          makes the orders for them, none twice
licenses.py        what is known of licences, and what follows: requests for files, and their answers
models.py          the values that are returned
parameters.py      what each endpoint takes: one table; encoding.py checks and writes it
requests.py        what all requests have in common: URL, language, where answers may lead
decoding.py        JSON to values; errors.py has what an unexpected status means
oauth.py           grants and tokens, as requests and answers
login.py           logging in by a browser
token_file.py      where such a login is kept, and the token that processes share
session.py         sends requests with key and token; renews the token
response_cache.py  answers of the last five minutes; the searches of a day
=================  =========================================================================

Only session.py, token_file.py, response_cache.py, downloads.py and orders.py do input and output.
"""

"""Getty Images' services as handlers: each takes a :class:`~.http.Call` and returns a :class:`~.http.Reply`.

===========================  ======================================================================
oembed.py, pages.py          the oEmbed endpoint; frames, pictures and web pages
api.py                       the API v3: routing; each group of endpoints has a module of its own
auth.py                      authentication, rate limits and access tokens
parameters.py, fields.py     query parameters of searches; fields of pictures in responses
config.py, http.py, urls.py  shared by all of them
===========================  ======================================================================
"""

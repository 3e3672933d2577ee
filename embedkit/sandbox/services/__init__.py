"""The services of Getty Images as handlers: each takes a request as a value and returns the answer.

===========================  ======================================================================
oembed.py, pages.py          the oEmbed endpoint; its frames, the pictures and the pages about them
api.py                       the API v3: its operations, one file for each group of endpoints
auth.py                      who may call it, and the access tokens
parameters.py, fields.py     what may be asked of it, and what it answers of a picture
config.py, http.py, urls.py  what all of them share
===========================  ======================================================================
"""

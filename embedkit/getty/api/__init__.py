"""The API v3, without any input or output: what is asked becomes a request, an answer becomes values or an error.

No secret passes through here: who asks (the key, the token) is added to a request by whoever sends it.
"""

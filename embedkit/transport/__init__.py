"""HTTP to Getty's services, limited in time, size and number of calls. Nothing else makes requests.

=============  ==================================================================
client.py      sends a request, with queueing, retries and redirects
resilience.py  circuit breaker, backoff, token bucket, retry budget, bulkhead
deadline.py    connections that end at a given time
responses.py   validation of response headers, bodies and redirects
failures.py    translates the libraries' exceptions into our errors
=============  ==================================================================
"""

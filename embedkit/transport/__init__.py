"""The only way out: requests to Getty's services, bounded in time, size and number.

=============  ======================================================
client.py      sends a request: its turn, its retries, its redirects
resilience.py  breaker, backoff, token bucket, retry budget, bulkhead
deadline.py    connections that end at a given moment
responses.py   headers, bodies and redirects of answers, checked
failures.py    exceptions of the libraries as errors of ours
=============  ======================================================
"""

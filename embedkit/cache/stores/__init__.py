"""Stores for cached copies: cachelib backends.

==================  =======================================================================
factory.py          opens the store that a URL names
base.py             the base class: encoding, lifetimes, pruning; and the store in memory
sqlite.py, file.py  stores for one machine; sqlite_pool.py opens and repairs the database
remote.py           Redis and memcached
coordination.py     versions of keys, and locks, for the processes that share a store
==================  =======================================================================
"""

"""Where copies are kept: cachelib backends.

==================  =================================================================
factory.py          opens the store that a URL names
base.py             values as bytes, lifetimes, cleaning up; the store in memory
sqlite.py, file.py  one machine; sqlite_pool.py opens, makes and repairs the database
remote.py           Redis and memcached
coordination.py     versions of keys, and locks, between those who share a store
==================  =================================================================
"""

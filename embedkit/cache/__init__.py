"""Caching of records, in memory and in a store. Start reading at :class:`embedkit.cache.embed_cache.EmbedCache`.

There are six caches, consulted in this order. All of them use one handle for what is cached of a picture,
:class:`embedkit.cache.entry.Entry`.

    HTTP responses  embedkit.web.response_cache: whole responses, by request
    results         memory.Memo: results of the kit (markup, an embed, a place in a text), by call
    front           memory.Front: the entries read most recently, by picture
    fragments       embedkit.engine.rendered: HTML rendered from a copy, by options; part of the stored entry
    backlog         backlog.Backlog: what could not be written to the store yet; its takedowns outlive the process
    store           a cachelib backend from stores/: one signed entry per picture, for all processes

The first two keep a result together with the entry that it was made from, and return it again while
``entry.is_current()``, that is, while the entry has not been written since it was read. The store keeps a version
for each key, which changes with each write (:mod:`embedkit.cache.stores.coordination`). An unchanged version is
trusted for 30 seconds; a backend without versions is trusted for one. After that, or if the version has changed,
the store is read once. If it still holds the same copy, the entry is renewed in place, and everything made from it
remains valid. If not, a new entry is created, and the old one is never current again. So copies are never
compared, and a purge, a takedown or a new copy invalidates everything made from the old copy, in every process
that shares the store.

A cold request reads the store twice: once to look the picture up, and once, holding the entry's lock, to write the
copy. The version of what was written is then known, so HTML is added without a third read. A new process reads the
store once and finds the HTML there. Several pictures are read together.
"""

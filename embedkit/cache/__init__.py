"""Copies of records, in memory and in a store. The door is :class:`embedkit.cache.embed_cache.EmbedCache`.

Six caches lie in front of each other. Each is asked before the next. All of them go by one handle,
:class:`embedkit.cache.entry.Entry`: what the cache holds of one picture.

    HTTP answers    embedkit.web.response_cache: whole answers, by request
    answers         memory.Memo: what the kit answered (markup, an embed, a place in a text), by call
    front           memory.Front: entries that were read last, by picture
    fragments       embedkit.engine.rendered: HTML made from a copy, by options; kept in the entry, in the store
    backlog         backlog.Backlog: what the store has not taken yet; its takedowns outlive the process
    store           cachelib backends in stores/: one signed entry a picture, for all processes

The first two keep an answer beside the entry that it was made from, and give it again while
``entry.is_current()``: nobody has written the entry since it was read. The store keeps a version for each key,
which changes with each write (:mod:`embedkit.cache.stores.coordination`). That is trusted for 30 seconds, or
for one over a backend without versions; then, or if the version has changed, the store is read once. Where it
holds the same copy, the entry is renewed in place, and with it everything that was made from it; else there is
a new entry, and the old one is never current again. So nothing compares copies, and a purge, a takedown or a
new copy ends all that was made from the old one, in every process that shares the store.

A cold answer reads the store twice: once to look the picture up, once under the lock of its entry to write the
copy. What was written is then known by its version, so HTML is added to it without a third read. A new process
reads the store once, and finds the HTML there; many pictures are read together.
"""

"""Files written whole or not at all, and never over what somebody else has saved meanwhile.

``plain`` opens files and nothing else, ``folder`` is what is asked of the operating system; ``partial`` is a file
on its way, and what it takes over from the one before it; ``atomic`` puts it in its place, or fills a folder of
results; ``download`` takes what arrives piece by piece; ``journal`` keeps lines that must not be lost;
``installed`` finds our own.
"""

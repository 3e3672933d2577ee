"""Atomic file writes that never overwrite what someone else has saved meanwhile.

``plain`` opens regular files and nothing else; ``folder`` wraps the operating system's calls; ``partial`` is a
file being written, and the attributes it takes over from the file it replaces; ``atomic`` puts it in place, or
fills an output folder; ``download`` writes a file piece by piece as it arrives; ``journal`` stores lines that must
not be lost; ``installed`` finds the package's own files.
"""

"""The sandbox's pictures, as files that you can edit: texts (TOML), scenes and their parts (SVG).

====================  ========================================================================
file                  content
====================  ========================================================================
subjects.toml         the basic subjects of pictures, with their texts; existing IDs depend on them
everyday.toml         more subjects, for everyday words; add new ones here
pictures.toml         individual pictures, with their own ID and texts
words.toml            words for placeholders in texts; names, places, collections
scenes.toml           how the filters of a search classify each scene
hours.toml            the colors of each time of day, and the words that indicate it
scenes/, parts/       drawings; scenes are composed of parts
====================  ========================================================================

After editing, run ``python -m embedkit.sandbox.content.check``: it lists every mistake with its file and key.
"""

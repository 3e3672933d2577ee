"""What the sandbox shows, as files that a person can edit: texts (TOML), scenes and their parts (SVG).

====================  ========================================================================
file                  holds
====================  ========================================================================
subjects.toml         what pictures are of, and their texts: those on which IDs depend
everyday.toml         further ones, for everyday words; here is where new ones go
pictures.toml         pictures with an ID and texts of their own
words.toml            words for the slots of texts, names, places, collections
scenes.toml           what a scene counts as in the filters of a search
hours.toml            colours of the hours, and the words of a text that stand for an hour
scenes/, parts/       drawings; a scene is put together from parts
====================  ========================================================================

After an edit, ``python -m embedkit.sandbox.content.check`` names every mistake with its file and key.
"""

"""embedkit in the programs that people publish with: one thin module a host, named after it.

What two hosts share is in :mod:`embedkit.integrations.site`, and the options of all in
:mod:`embedkit.integrations.options`. No module here is imported by another room, so that none of the hosts has to
be installed.
"""

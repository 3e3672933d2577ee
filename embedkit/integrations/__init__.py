"""Integrations for publishing tools and frameworks: one thin module per host, named after it.

Code shared by several hosts is in :mod:`embedkit.integrations.site`, and their options are in
:mod:`embedkit.integrations.options`. No other package imports these modules, so none of the hosts has to be
installed.
"""

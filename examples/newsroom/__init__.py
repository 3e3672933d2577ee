"""Code that the examples share: embedkit's service with the sandbox, a site with one post, a generator's site.

You don't need any of this on your own site; each example's own files contain what you do need.
"""

from newsroom.building import build_site, copy_site, environment
from newsroom.packages import Packages
from newsroom.running import HOME, run
from newsroom.service import Service, start
from newsroom.site import Post, create_site

__all__ = [
    "HOME",
    "Packages",
    "Post",
    "Service",
    "build_site",
    "copy_site",
    "create_site",
    "environment",
    "run",
    "start",
]

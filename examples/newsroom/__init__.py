"""What the examples have in common: embedkit's service over the sandbox, a site with one post, a generator's site.

Nothing here is needed on a site of your own; what is, stands in each example's own files.
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

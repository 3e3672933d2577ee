"""What the editor examples have in common: embedkit's service over the sandbox, and a site with one post.

Nothing here is needed on a site of your own; what is, stands in each example's own ``app.py``, template
and script.
"""

from newsroom.packages import Packages
from newsroom.running import HOME, run
from newsroom.service import Service, start
from newsroom.site import Post, create_site

__all__ = ["HOME", "Packages", "Post", "Service", "create_site", "run", "start"]

#!/bin/sh
# Hugo, then the post-render step, for links, shortcodes in Markdown, and those that Hugo's shortcode left as text.
# The step asks Getty directly.
set -e
hugo --destination built --cleanDestinationDir
embedkit render built --in-place
embedkit assets built/static

#!/bin/sh
# Hugo, then the post-render: what Hugo's shortcode left, shortcodes in Markdown, links. It asks Getty itself.
set -e
hugo --destination built --cleanDestinationDir
embedkit render built --in-place
embedkit assets built/static

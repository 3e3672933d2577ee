"""The services of Getty Images as handlers: oEmbed with its frames and pages, and the API v3."""

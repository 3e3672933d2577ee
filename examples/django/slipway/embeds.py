"""embedkit for this site: one kit for all threads."""

from django.conf import settings

from embedkit import EmbedKit

kit = EmbedKit(settings.EMBEDKIT)
service = settings.EMBEDKIT_SERVICE

from django.contrib import admin

from slipway.models import Post

admin.site.site_header = "The Slipway"
admin.site.register(Post)

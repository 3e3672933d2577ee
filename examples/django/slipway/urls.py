from django.contrib import admin
from django.contrib.staticfiles.views import serve
from django.http import HttpResponse
from django.urls import include, path
from wagtail import urls as pages
from wagtail.admin import urls as editors

from slipway import views

urlpatterns = [
    path("", views.home),
    path("posts/<int:number>/", views.post),
    path("admin/", admin.site.urls),
    path("cms/", include(editors)),
    path("stories/", include(pages)),
    path("favicon.ico", lambda _: HttpResponse(status=204)),
    path("static/<path:path>", serve, {"insecure": True}),  # one process is enough for an example
]

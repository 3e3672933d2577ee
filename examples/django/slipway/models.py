"""A post for Django's admin, and a page for Wagtail's; both use the same field."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.http import HttpRequest
from wagtail.admin.panels import FieldPanel
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Page
from wagtail.rich_text import expand_db_html

from embedkit.integrations.django import kit
from embedkit.integrations.django.fields import GettyField
from embedkit.integrations.wagtail import GettyChooserBlock


class Post(models.Model):
    title = models.CharField(max_length=200)
    picture = GettyField(blank=True, help_text="Shown above the text.")
    body = models.TextField(help_text="Plain text. [getty 74917285] adds another picture.")

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return f"/posts/{self.pk}/"


class StoryPage(Page):
    picture = GettyField(blank=True, help_text="Shown above the text.")
    body = RichTextField(features=["h2", "bold", "italic", "link", "ol", "ul", "embed"])
    pictures = StreamField([("getty", GettyChooserBlock())], blank=True)

    content_panels: ClassVar = [
        *Page.content_panels,
        *map(FieldPanel, ("picture", "body", "pictures")),
    ]
    template = "slipway/post.html"

    def get_context(self, request: HttpRequest, *args: object, **kwargs: object) -> dict[str, object]:
        context: dict[str, object] = super().get_context(request, *args, **kwargs)
        return context | {
            "post": self,
            "content": kit().render(expand_db_html(self.body)),
        }

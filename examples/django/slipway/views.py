from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.defaultfilters import linebreaks

from slipway.models import Post, StoryPage


def home(request: HttpRequest) -> HttpResponse:
    """The start page of the example."""
    return render(request, "slipway/home.html", {"posts": Post.objects.all(), "stories": StoryPage.objects.live()})


def post(request: HttpRequest, number: int) -> HttpResponse:
    """The reader's page. The text is escaped first; the template then turns shortcodes into embeds."""
    found = get_object_or_404(Post, pk=number)
    return render(
        request, "slipway/post.html", {"post": found, "content": linebreaks(found.body, autoescape=True)}
    )

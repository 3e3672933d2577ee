"""The plugin of examples/wordpress in a real WordPress, with the real service over the sandbox."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import html5lib
import pytest
import requests
from playwright.sync_api import Browser, expect

from embedkit.sandbox import SandboxServer
from tests.support.servers import Server, running
from tests.support.wordpress import WordPress, wordpress

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wordpress")]  # one WordPress for a whole run

NOBODY = "http://127.0.0.1:9"  # no service is there
POST = """<!-- wp:paragraph -->
<p>A match.</p>
<!-- /wp:paragraph -->

[getty 74917285 width=300]

https://gty.im/600000002

<!-- wp:embed {"url":"https://gty.im/200305801-001","type":"rich"} -->
<figure class="wp-block-embed"><div class="wp-block-embed__wrapper">
https://gty.im/200305801-001
</div></figure>
<!-- /wp:embed -->

<pre>[getty 74917285]
https://gty.im/74917285
</pre>

[[getty 74917285]]
"""


@pytest.fixture(name="getty", scope="module")
def fixture_getty() -> Iterator[SandboxServer]:
    with SandboxServer() as getty:
        yield getty


@pytest.fixture(name="service", scope="module")
def fixture_service(getty: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environ = {
        "EMBEDKIT_CACHE": f"sqlite:{tmp_path_factory.mktemp('service')}/cache",
        "EMBEDKIT_RATE_LIMIT": "100000/minute",
        "EMBEDKIT_SECRET": "s" * 40,
        "EMBEDKIT_ADMIN_TOKEN": "t" * 40,
    }
    command = [sys.executable, "-m", "embedkit", "serve", "--port", "0", "--upstream", getty.url]
    with running(command, environ) as service:
        yield service


@pytest.fixture(name="site", scope="module")
def fixture_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WordPress]:
    with wordpress(tmp_path_factory.mktemp("wordpress")) as site:
        yield site


@pytest.fixture(name="blog")
def fixture_blog(site: WordPress, service: Server) -> WordPress:
    site.set("embedkit_service", service.url)
    site.set("embedkit_target", "web")
    return site


def frames(page: str) -> list[str]:
    """The sources of a page's frames, as a browser finds them."""
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    return [frame.get("src", "") for frame in tree.iter("iframe")]


def refs(page: str) -> list[str]:
    return [source.partition("?")[0].rpartition("/")[2] for source in frames(page)]


def test_a_post_shows_its_pictures_and_its_code_stays(blog: WordPress, service: Server) -> None:
    page = blog.read(blog.publish(POST))
    assert len(frames(page)) == 3
    assert f"{service.url}/static/embedkit.css" in page
    assert "<pre>[getty 74917285]\nhttps://gty.im/74917285\n</pre>" in page
    assert page.count("[getty 74917285]") == 2  # in the code, and the one that was escaped


def test_a_post_without_pictures_asks_for_nothing(blog: WordPress, service: Server) -> None:
    page = blog.read(blog.publish("<p>Words.</p>"))
    assert "embedkit" not in page


def test_feeds_excerpts_and_click_to_load(blog: WordPress) -> None:
    post = blog.publish("Words. [getty 74917285]")
    feed = requests.get(f"{blog.url}/?feed=rss2", timeout=60).text
    assert "<iframe" not in feed
    assert "gettyimages.com/detail/" in feed
    excerpt = blog.php(f"$GLOBALS['post'] = get_post({post}); echo get_the_excerpt({post});")
    assert "Words." in excerpt
    assert "[getty" not in excerpt
    blog.set("embedkit_target", "facade")
    page = blog.read(post)
    assert frames(page) == []
    assert "embedkit-facade.js" in page


@pytest.mark.parametrize(
    "tag", ["[getty 600000002]", '[getty src="600000002" width="300"]', "[getty]600000002[/getty]"]
)
def test_without_the_service_there_is_a_link_and_no_hole(blog: WordPress, tag: str) -> None:
    blog.set("embedkit_service", NOBODY)
    page = blog.read(blog.publish(tag))
    assert frames(page) == []
    assert page.count('href="https://www.gettyimages.com/detail/600000002"') == 1


def test_a_kept_rendering_is_used_while_the_service_is_down(blog: WordPress, service: Server) -> None:
    post = blog.publish("[getty 74917285]")
    warm = blog.read(post)
    blog.age(3_600)
    blog.php("set_transient('embedkit_down', 1, 60);")
    assert frames(blog.read(post)) == frames(warm) != []
    blog.age(40 * 86_400)
    assert frames(blog.read(post)) == []


def test_a_withdrawn_picture_leaves_the_post(blog: WordPress, service: Server, getty: SandboxServer) -> None:
    post = blog.publish("[getty 600000123]")
    assert len(frames(blog.read(post))) == 1
    getty.app.withdraw("600000123")
    requests.delete(
        f"{service.url}/v1/embeds/600000123", headers={"Authorization": "Bearer " + "t" * 40}, timeout=60
    )
    blog.age(600)
    assert frames(blog.read(post)) == []


def test_an_editor_sees_the_picture_of_a_link(blog: WordPress, browser: Browser) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{blog.url}/wp-login.php")
        page.get_by_label("Username or Email Address").fill("admin")
        page.locator("#user_pass").fill("admin")
        page.get_by_role("button", name="Log In").click()
        page.goto(f"{blog.url}/wp-admin/options-general.php?page=embedkit")
        expect(page.get_by_role("status")).to_have_text("Connected: the service answers.")
        nonce = page.evaluate("fetch('/wp-admin/admin-ajax.php?action=rest-nonce').then(answer => answer.text())")
        asked = f"/wp-json/oembed/1.0/proxy?url=https%3A%2F%2Fgty.im%2F74917285&_wpnonce={nonce}"
        answer = page.evaluate("path => fetch(path).then(answer => answer.json())", asked)
        assert len(frames(answer["html"])) == 1


def test_nothing_is_left_behind(blog: WordPress) -> None:
    post = blog.publish("[getty 74917285]")
    blog.read(post)
    left = blog.php(
        "require_once 'wp-admin/includes/plugin.php';"
        "deactivate_plugins('embedkit/embedkit.php'); uninstall_plugin('embedkit/embedkit.php');"
        "foreach (['options' => 'option_name', 'postmeta' => 'meta_key'] as $table => $column) {"
        "echo $GLOBALS['wpdb']->get_var(\"SELECT COUNT(*) FROM wp_$table WHERE $column LIKE '%embedkit%'\"), ' '; }"
        "activate_plugin('embedkit/embedkit.php');"
    )
    assert left.split() == ["0", "0"]

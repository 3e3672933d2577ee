"""The plugin of examples/wordpress in a real WordPress, with the real service over the sandbox."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import html5lib
import pytest
import requests

from embedkit.sandbox import SandboxServer
from tests.support.servers import Server
from tests.support.wordpress import ADMIN_TOKEN, PASTED, WordPress, encoded

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wordpress")]  # one WordPress per test run

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


@pytest.fixture(name="blog")
def fixture_blog(site: WordPress, service: Server) -> WordPress:
    site.set("embedkit_service", service.url)
    site.set("embedkit_target", "web")
    return site


DOWN = """<p>[getty 1 width=300] [getty src="2" caption="a ] b"] [getty]3[/getty] [getty 4,5a]</p>

https://www.gettyimages.com/detail/6

[embed]https://gty.im/7[/embed]

<!-- wp:embed {"url":"https://gty.im/8","type":"rich"} -->
<figure class="wp-block-embed"><div class="wp-block-embed__wrapper">
https://gty.im/8
</div></figure>
<!-- /wp:embed -->

<pre>[getty 9]
https://gty.im/9
</pre>

[[getty 10]]
"""


def frames(page: str) -> list[str]:
    """Return the sources of a page's frames, as a browser parses them."""
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    return [frame.get("src", "") for frame in tree.iter("iframe")]


def links(page: str) -> list[str]:
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    return [link.get("href", "") for link in tree.iter("a")]


def refs(page: str) -> list[str]:
    return [source.partition("?")[0].rpartition("/")[2] for source in frames(page)]


def purge(service: Server, ref: str) -> None:
    """Purge a picture, as the service's operator does to remove it immediately."""
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    assert requests.delete(f"{service.url}/v1/embeds/{ref}", headers=headers, timeout=60).status_code == 204


class Slow(ThreadingHTTPServer):
    """A proxy in front of the service whose first response arrives after the client has stopped waiting."""

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.behind = behind
        self.requests: list[str] = []
        self.awake = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.awake.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Slow

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append(f"{self.path} {json.loads(body).get('content', '')}")
        self.server.awake.wait()
        answer = requests.post(
            self.server.behind + self.path, data=body, headers={"Content-Type": "application/json"}, timeout=60
        )
        try:
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)
        except OSError:  # the client is gone
            pass

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_post_shows_its_pictures_and_its_code_stays(blog: WordPress, service: Server) -> None:
    page = blog.read(blog.publish(POST))
    assert len(frames(page)) == 3
    assert f"{service.url}/static/embedkit.css" in page
    assert "<pre>[getty 74917285]\nhttps://gty.im/74917285\n</pre>" in page
    assert page.count("[getty 74917285]") == 2  # in code, and the escaped one


def test_a_post_without_pictures_sends_no_request(blog: WordPress, service: Server) -> None:
    page = blog.read(blog.publish("<p>Words.</p>"))
    assert "embedkit" not in page


def test_each_location_gets_its_target(blog: WordPress) -> None:
    post = blog.publish("Words before it. [getty 74917285]")
    feed = blog.get("/?feed=rss2")
    assert "<iframe" not in feed
    assert "gettyimages.com/detail/" in feed
    excerpt = blog.php(f"$GLOBALS['post'] = get_post({post}); echo get_the_excerpt({post});")
    assert "Words before it." in excerpt
    assert "Getty Images" in excerpt
    assert "[getty" not in excerpt
    shown = f"$GLOBALS['post'] = get_post({post}); setup_postdata($GLOBALS['post']); the_content();"
    found = blog.php(f"$GLOBALS['wp_query']->is_search = true; {shown}")
    assert "<iframe" not in found
    assert "Getty Images" in found
    assert "[getty" not in found
    amp = blog.php("function amp_is_request() { return true; }" + shown)
    assert "<amp-iframe" in amp
    assert "<iframe" not in amp


def test_pages_and_paginated_posts_are_rendered_like_posts(blog: WordPress) -> None:
    page = blog.publish("[getty 74917285]", post_type="page")
    assert refs(blog.get(f"/?page_id={page}")) == ["74917285"]
    parts = blog.publish("[getty 74917285]<!--nextpage-->https://gty.im/600000002")
    assert refs(blog.read(parts)) == ["74917285"]
    assert refs(blog.read(parts, "&page=2")) == ["600000002"]


def test_pictures_that_ask_first_name_the_privacy_page(blog: WordPress) -> None:
    policy = blog.publish("<p>Words.</p>", post_type="page", post_title="What we keep")
    post = blog.publish("[getty 74917285]")
    blog.set("embedkit_target", "facade")
    blog.set("embedkit_privacy", str(policy))
    page = blog.read(post)
    assert frames(page) == []
    assert "embedkit-facade.js" in page
    assert page.count(f'<a class="ek-privacy" href="{blog.url}/what-we-keep/">') == 1


def test_a_post_is_requested_once(blog: WordPress) -> None:
    post = blog.publish("[getty 74917285] https://gty.im/600000002")
    first = blog.read(post)
    blog.php(
        f"$all = get_post_meta({post}, '_embedkit_web', true); $hash = key($all); $all[$hash]['content'] = 'As kept.';"
        f"update_post_meta({post}, '_embedkit_web', $all);"
    )
    assert "As kept." not in first
    assert "As kept." in blog.read(post)


def test_the_stored_renderings_are_limited(blog: WordPress) -> None:
    post = blog.publish("[getty 74917285]")
    kept = blog.php(
        f"for ($i = 0; $i < 12; $i++) {{ EmbedKit\\rendered(\"$i [getty 74917285]\", 'web', {post}); }}"
        f"echo count(get_post_meta({post}, '_embedkit_web', true));"
    )
    assert kept == "8"


def test_without_the_service_there_are_links(blog: WordPress) -> None:
    blog.set("embedkit_service", NOBODY)
    page = blog.read(blog.publish(DOWN))
    assert frames(page) == []
    found = [link for link in links(page) if "getty" in link or "gty.im" in link]
    detail = "https://www.gettyimages.com/detail/"
    assert found == [*(f"{detail}{ref}" for ref in (1, 2, 3, 4, "5a", 6)), "https://gty.im/7", "https://gty.im/8"]
    assert "<pre>[getty 9]\nhttps://gty.im/9\n</pre>" in page
    assert "\n[getty 10]\n" in page


def test_the_last_rendering_is_used_while_the_service_is_down(blog: WordPress, service: Server) -> None:
    post = blog.publish("[getty 74917285]")
    warm = blog.read(post)
    blog.age(3_600)
    blog.php("set_transient('embedkit_down', 1, 60);")
    assert frames(blog.read(post)) == frames(warm) != []
    blog.age(31 * 86_400)
    blog.php("set_transient('embedkit_down', 1, 60);")
    assert frames(blog.read(post)) == []


def test_readers_do_not_wait_for_a_slow_service(blog: WordPress, service: Server) -> None:
    post = blog.publish("[getty 600000077]")
    with Slow(service.url) as slow:
        blog.set("embedkit_service", slow.url)
        page = blog.read(post)  # without a timeout, this would wait forever
        assert "https://www.gettyimages.com/detail/600000077" in links(page)
        slow.awake.set()
        blog.cron()
        assert refs(blog.read(post)) == ["600000077"]
        assert slow.requests.count("/v1/render [getty 600000077]") == 2


def test_a_failed_service_is_not_requested_again(blog: WordPress, service: Server) -> None:
    with Slow(service.url) as slow:
        slow.awake.set()
        blog.set("embedkit_service", slow.url)
        blog.php("set_transient('embedkit_down', 1, 3600);")
        blog.read(blog.publish("[getty 74917285]"))
        assert slow.requests == []


def test_a_card_made_in_an_outage_of_getty_does_not_replace_the_picture(
    blog: WordPress, service: Server, getty: SandboxServer
) -> None:
    text = "[getty 600000078]"
    post = blog.publish(text)
    assert refs(blog.read(post)) == ["600000078"]
    blog.age(3_600)
    purge(service, "600000078")
    getty.app.faults.add("not-json", count=None, item="600000078")
    page = blog.read(post)
    getty.app.faults.clear()
    assert refs(page) == ["600000078"]


def test_a_picture_that_fails_does_not_affect_others(blog: WordPress, getty: SandboxServer) -> None:
    getty.app.faults.add("not-json", count=None, item="600000079")
    asked = blog.php("var_dump(EmbedKit\\oembed('https://gty.im/600000079', []), get_transient('embedkit_down'));")
    getty.app.faults.clear()
    assert asked.split() == ["NULL", "bool(false)"]


def test_a_withdrawn_picture_disappears_from_the_post(
    blog: WordPress, service: Server, getty: SandboxServer
) -> None:
    post = blog.publish("[getty 600000123]\n\nhttps://gty.im/600000124")
    assert len(frames(blog.read(post))) == 2
    getty.app.withdraw("600000123")
    getty.app.withdraw("600000124")
    purge(service, "600000123")
    purge(service, "600000124")
    blog.age(300)
    assert frames(blog.read(post)) == []
    assert (
        blog.php(
            "global $wpdb; echo $wpdb->get_var(\"SELECT COUNT(*) FROM wp_postmeta WHERE meta_key LIKE '\\_oembed%'\");"
        )
        == "0"
    )


# -- pasted embed code ----------------------------------------------------------------------------------

CONVERTED = '[getty src="74917285" width="462" height="370" tld="com" caption="true"]'
AROUND = "<p>Our  own &amp; words.</p>\n\n{}\n\n<p>A  'quote' \\\\ here.</p>"


def test_pasted_embed_code_becomes_a_shortcode(blog: WordPress) -> None:
    post = blog.publish(AROUND.format("Words."))
    blog.update(post, AROUND.format(PASTED))
    assert blog.saved(post) == AROUND.format(CONVERTED)
    assert blog.revisions(post) == [AROUND.format(CONVERTED), AROUND.format(PASTED)]  # the newest first
    assert refs(blog.read(post)) == ["74917285"]


def test_authors_who_may_not_write_scripts_keep_their_picture(blog: WordPress) -> None:
    author = blog.author()
    post = blog.publish(AROUND.format(PASTED), user=author)
    assert blog.saved(post) == AROUND.format(CONVERTED)
    kept = blog.php(f"wp_set_current_user({author}); echo wp_kses_post(base64_decode('{encoded(PASTED)}'));")
    assert "<script" not in kept
    assert blog.revisions(post) == [AROUND.format(kept)]  # the original, as WordPress lets them save it
    old = blog.publish(AROUND.format(kept), user=author)  # from before the plugin
    assert blog.saved(old) == AROUND.format(CONVERTED)


def test_without_the_service_the_post_is_saved_as_typed(blog: WordPress, service: Server) -> None:
    with Slow(service.url) as slow:
        blog.set("embedkit_service", slow.url)
        post = blog.publish(AROUND.format(PASTED))
        assert slow.requests == ["/v1/convert " + AROUND.format(PASTED)]
    assert blog.saved(post) == AROUND.format(PASTED)
    assert blog.revisions(post) == []
    blog.set("embedkit_service", service.url)
    assert refs(blog.read(post)) == ["74917285"]


def test_unreadable_embed_code_is_saved_as_typed(blog: WordPress) -> None:
    typed = AROUND.format(PASTED + "<iframe src='https://embed.gettyimages.com/embed/'></iframe>")
    assert blog.saved(blog.publish(typed)) == typed


def test_code_and_other_kinds_of_posts_are_saved_as_typed(blog: WordPress) -> None:
    code = f"<pre>{PASTED}</pre>".replace("<a ", "&lt;a ").replace("<script", "&lt;script")
    assert blog.saved(blog.publish(code)) == code
    assert PASTED in blog.saved(blog.publish(PASTED, post_type="customize_changeset", post_status="draft"))


# -- featured images ------------------------------------------------------------------------------------


def test_a_featured_picture_is_an_embed_everywhere_in_the_theme(blog: WordPress) -> None:
    post = blog.publish("<p>Words.</p>", post_title="Featured")
    assert frames(blog.read(post)) == []
    blog.php(f"EmbedKit\\feature('[getty 74917285]', {post});")
    page = blog.read(post)
    assert refs(page) == ["74917285"]
    assert "/static/embedkit.css" in page
    home = html5lib.parse(blog.get("/"), namespaceHTMLElements=False)
    assert [link for link in home.iter("a") if link.find(".//iframe") is not None] == []
    assert len(list(home.iter("iframe"))) >= 1
    assert blog.php(f"echo (int) has_post_thumbnail({post});") == "1"
    blog.php(f"EmbedKit\\feature('<b>none</b>', {post});")
    assert frames(blog.read(post)) == []


# -- without the plugin, and uninstalling it ------------------------------------------------------------


def test_without_the_plugin_the_address_of_a_picture_is_enough(
    blog: WordPress, service: Server, getty: SandboxServer
) -> None:
    post = blog.publish(f"Words.\n\n{service.url}/embed/600000125\n\nMore.")
    blog.php("require_once 'wp-admin/includes/plugin.php'; deactivate_plugins('embedkit/embedkit.php');")
    try:
        (frame,) = frames(blog.read(post))
        assert frame.startswith(f"{getty.url}/embed/600000125?")
        getty.app.withdraw("600000125")
        purge(service, "600000125")
        assert frames(blog.read(post)) == [frame]  # as the README says: WordPress doesn't ask again
    finally:
        blog.php("require_once 'wp-admin/includes/plugin.php'; activate_plugin('embedkit/embedkit.php');")


def test_uninstalling_leaves_nothing_behind(blog: WordPress) -> None:
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

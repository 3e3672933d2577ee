"""WordPress's admin in Chromium: the plugin's settings, and the classic editor."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.servers import Server
from tests.support.wordpress import TOKEN, WordPress
from tests.support.wordpress_admin import choose, edit, log_in

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wordpress")]  # one WordPress per test run


def settings(page: Page, blog: WordPress) -> Page:
    page.goto(f"{blog.url}/wp-admin/options-general.php?page=embedkit")
    return page


def save(page: Page) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name="Save Changes").click()


def findings(page: Page) -> list[str]:
    with page.expect_navigation():
        page.get_by_role("button", name="Test", exact=True).click()
    return page.locator(".notice[role=status]").all_inner_texts()


def test_the_settings_are_kept_and_the_token_is_not_shown(blog: WordPress, admin: Page, service: Server) -> None:
    page = settings(admin, blog)
    page.get_by_label("Service URL").fill("javascript:alert(1)")
    save(page)
    expect(page.get_by_text("must begin with https:// or http://")).to_be_visible()
    page.get_by_label("Service URL").fill(service.url + "/")
    page.get_by_label("Token").fill("a-new-token")
    page.get_by_label("Pictures").select_option("Load after a click")
    save(page)
    expect(page.get_by_label("Service URL")).to_have_value(service.url)
    assert "a-new-token" not in page.content()
    assert [blog.option(f"embedkit_{name}") for name in ("token", "target")] == ["a-new-token", "facade"]
    save(page)
    assert blog.option("embedkit_token") == "a-new-token"  # an empty field keeps the token
    page.get_by_label("Token").fill("-")
    save(page)
    assert blog.option("embedkit_token") == ""


def test_the_test_button_reports_what_is_wrong(blog: WordPress, admin: Page, service: Server) -> None:
    good = ["The service answers.", "It shows pictures.", "It knows the token.", "Its picker may be shown here."]
    assert findings(settings(admin, blog)) == good
    blog.set("embedkit_token", "wrong")
    assert findings(settings(admin, blog))[2] == "It doesn’t accept the token. Enter one of its EMBEDKIT_TOKENS."
    blog.set("embedkit_service", "http://127.0.0.1:9")
    assert findings(settings(admin, blog)) == [
        "The service isn’t responding. Check the URL, and make sure that the service is running."
    ]


def test_only_administrators_see_the_settings(blog: WordPress, browser: Browser) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        log_in(page, blog, blog.php(f"echo get_userdata({blog.author()})->user_login;"), "author")
        answer = page.goto(f"{blog.url}/wp-admin/options-general.php?page=embedkit")
        assert answer
        assert answer.status == 403


def api(page: Page, blog: WordPress, path: str, method: str = "GET", nonce: bool = True) -> tuple[int, dict]:
    """Call WordPress's REST API from a script on the page."""
    code = """async ([path, method, nonce]) => {
        const headers = nonce ? { "X-WP-Nonce": await (await fetch("/wp-admin/admin-ajax.php?action=rest-nonce")).text() } : {};
        const answer = await fetch(path, { method, headers });
        return [answer.status, await answer.json()];
    }"""
    status, answer = page.evaluate(code, [path, method, nonce])
    return status, answer


def test_editors_get_previews_and_grants_and_others_do_not(blog: WordPress, admin: Page, browser: Browser) -> None:
    settings(admin, blog)
    proxy = "/wp-json/oembed/1.0/proxy?url=https%3A%2F%2Fgty.im%2F74917285"
    status, answer = api(admin, blog, proxy)
    assert (status, answer["provider_name"]) == (200, "Getty Images")
    assert answer["html"].count("<iframe") == 1
    assert api(admin, blog, "/wp-json/oembed/1.0/proxy?url=https%3A%2F%2Fgty.im%2F500000404")[0] == 404
    assert api(admin, blog, "/wp-json/embedkit/v1/grant", "POST")[1]["grant"]
    assert api(admin, blog, "/wp-json/embedkit/v1/grant", "POST", nonce=False)[0] == 401
    with browser.new_context() as context:
        reader = context.new_page()
        name = blog.php(f"echo get_userdata({blog.author('subscriber')})->user_login;")
        log_in(reader, blog, name, "author")
        reader.goto(blog.url)
        assert api(reader, blog, "/wp-json/embedkit/v1/grant", "POST")[0] == 403
        assert TOKEN not in admin.content()
    for path in (proxy, "/wp-json/embedkit/v1/preview?text=%5Bgetty+74917285%5D"):
        assert api(admin, blog, path)[0] == 200
        assert api(admin, blog, path, nonce=False)[0] == 401
    assert (
        blog.php(
            "global $wpdb; echo $wpdb->get_var(\"SELECT COUNT(*) FROM wp_options WHERE option_name LIKE '%oembed%'\");"
        )
        == "0"
    )


# -- the classic editor ---------------------------------------------------------------------------------


def publish(page: Page) -> None:
    page.locator("#publish").press("Enter")
    page.wait_for_url("**&message=1")


def test_the_classic_editor_shows_pictures_and_saves_shortcodes(blog: WordPress, admin: Page) -> None:
    text = "Words.\n\n[getty 74917285 width=300]\n<pre>[getty 1]</pre>\nhttps://gty.im/600000002\n\nEnd."
    post = blog.publish(text, post_title="Classic")
    page = edit(admin, blog, post)
    written = page.frame_locator("#content_ifr")
    expect(written.locator(".wpview iframe")).to_have_count(2)
    expect(written.locator("pre")).to_have_text("[getty 1]")
    written.get_by_text("End.").click()
    page.keyboard.press("End")
    page.get_by_role("button", name="Add Getty picture").click()
    ref = choose(page, "harbour")
    expect(written.locator(".wpview iframe")).to_have_count(3)
    page.get_by_role("button", name="Choose a Getty picture").click()
    featured = choose(page, "eclipse")
    expect(page.locator(".embedkit-featured iframe")).to_be_visible()
    publish(page)
    assert blog.saved(post).replace("\r", "") == f"{text}\n\n[getty {ref}]"
    shown = blog.read(post)
    assert f"/embed/{ref}?" in shown
    assert f"/embed/{featured}?" in shown


def test_the_pencil_replaces_a_picture_in_the_classic_editor(blog: WordPress, admin: Page) -> None:
    post = blog.publish("[getty 74917285]", post_title="Classic")
    page = edit(admin, blog, post)
    page.frame_locator("#content_ifr").locator(".wpview").click()
    page.get_by_role("button", name="Edit", exact=True).last.click()
    ref = choose(page, "harbour")
    publish(page)
    assert blog.saved(post) == f"[getty {ref}]"

"""What people do in the admin of WordPress, with Chromium: settings, both editors, the picker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.servers import Server
from tests.support.wordpress import TOKEN, WordPress

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wordpress")]  # one WordPress for a whole run


@pytest.fixture(name="blog")
def fixture_blog(site: WordPress, service: Server) -> WordPress:
    site.set("embedkit_service", service.url)
    site.set("embedkit_token", TOKEN)
    site.set("embedkit_target", "web")
    return site


@pytest.fixture(name="admin", scope="module")
def fixture_admin(browser: Browser, site: WordPress) -> Iterator[Page]:
    """A page of the administrator's, who has logged in."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        log_in(page, site, "admin", "admin")
        yield page


def log_in(page: Page, site: WordPress, name: str, password: str) -> None:
    page.goto(f"{site.url}/wp-login.php")
    page.get_by_label("Username or Email Address").fill(name)
    page.locator("#user_pass").fill(password)
    page.get_by_role("button", name="Log In").click()
    page.wait_for_url("**/wp-admin/**")


def settings(page: Page, blog: WordPress) -> Page:
    page.goto(f"{blog.url}/wp-admin/options-general.php?page=embedkit")
    return page


def findings(page: Page) -> list[str]:
    with page.expect_navigation():
        page.get_by_role("button", name="Test", exact=True).click()
    return page.locator(".notice[role=status]").all_inner_texts()


def test_the_settings_are_kept_and_the_token_is_not_shown(blog: WordPress, admin: Page, service: Server) -> None:
    page = settings(admin, blog)
    page.get_by_label("Service URL").fill("javascript:alert(1)")
    page.get_by_role("button", name="Save Changes").click()
    expect(page.get_by_text("must begin with https:// or http://")).to_be_visible()
    page.get_by_label("Service URL").fill(service.url + "/")
    page.get_by_label("Token").fill("a-new-token")
    page.get_by_label("Pictures").select_option("Load after a click")
    page.get_by_role("button", name="Save Changes").click()
    expect(page.get_by_label("Service URL")).to_have_value(service.url)
    assert "a-new-token" not in page.content()
    assert [blog.option(f"embedkit_{name}") for name in ("token", "target")] == ["a-new-token", "facade"]
    page.get_by_role("button", name="Save Changes").click()
    assert blog.option("embedkit_token") == "a-new-token"  # since nothing was typed
    page.get_by_label("Token").fill("-")
    page.get_by_role("button", name="Save Changes").click()
    assert blog.option("embedkit_token") == ""


def test_the_test_button_names_what_is_wrong(blog: WordPress, admin: Page, service: Server) -> None:
    good = ["The service answers.", "It shows pictures.", "It knows the token.", "Its picker may be shown here."]
    assert findings(settings(admin, blog)) == good
    blog.set("embedkit_token", "wrong")
    assert findings(settings(admin, blog))[2] == "It does not know the token. Enter one of its EMBEDKIT_TOKENS."
    blog.set("embedkit_service", "http://127.0.0.1:9")
    assert findings(settings(admin, blog)) == [
        "The service does not answer. Check the URL, and that it is running."
    ]


def test_only_administrators_see_the_settings(blog: WordPress, browser: Browser) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        log_in(page, blog, blog.php(f"echo get_userdata({blog.author()})->user_login;"), "author")
        answer = page.goto(f"{blog.url}/wp-admin/options-general.php?page=embedkit")
        assert answer
        assert answer.status == 403


def api(page: Page, blog: WordPress, path: str, method: str = "GET", nonce: bool = True) -> tuple[int, dict]:
    """What WordPress's REST API answers a script of the page's."""
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
    for path in (proxy, "/wp-json/embedkit/v1/preview?text=%5Bgetty+74917285%5D"):
        assert api(admin, blog, path)[0] == 200
        assert api(admin, blog, path, nonce=False)[0] == 401
    assert (
        blog.php(
            "global $wpdb; echo $wpdb->get_var(\"SELECT COUNT(*) FROM wp_options WHERE option_name LIKE '%oembed%'\");"
        )
        == "0"
    )

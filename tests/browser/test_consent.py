"""Consent tools and their adapters: no request before consent, one after it, and no frame once it is revoked.

Klaro, CookieConsent and iframemanager are the real packages. TCF, Google Consent Mode and the WP Consent API are
substitutes, written from their published interfaces.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from embedkit.engine.rendered import assets
from embedkit.files.installed import static_dir
from tests.browser import test_embeds as pages
from tests.browser.test_embeds import ALWAYS, GPC, STOP, STORED, Desk
from tests.support.tools import node_packages

desk, site, frames = pages.desk, pages.site, pages.frames  # the fixtures

ADAPTERS = static_dir() / "consent"
MAX_ADAPTER_BYTES = 2_000

# IAB Tech Lab, CMP API v2: addEventListener calls back with the current state, and after each choice.
TCF = """
const listeners = [];
const stored = () => localStorage.cmp ? JSON.parse(localStorage.cmp) : null;
const state = (eventStatus) => ({
  gdprApplies: true, eventStatus, cmpStatus: "loaded", listenerId: 0, tcfPolicyVersion: 5,
  purpose: {consents: {1: stored() ?? false, 2: true}}, vendor: {consents: {42: stored() ?? false}, disclosedVendors: {42: true}},
});
window.__tcfapi = (command, version, callback) => {
  if (command !== "addEventListener" || version !== 2) return callback(null, false);
  listeners.push(callback);
  callback(state(stored() === null ? "cmpuishown" : "tcloaded"), true);
};
window.choose = (granted) => {
  localStorage.cmp = JSON.stringify(granted);
  listeners.forEach((callback) => callback(state("useractioncomplete"), true));
};
"""
# Google, "Set up consent mode on websites": a default, then an update at the choice, and on each later page.
GOOGLE = """
window.dataLayer = window.dataLayer || [];
window.gtag = function gtag() { dataLayer.push(arguments); };
gtag("consent", "default", {ad_storage: "denied", analytics_storage: "granted"});
const update = (granted) => gtag("consent", "update", {ad_storage: granted ? "granted" : "denied"});
if (localStorage.cmp) update(JSON.parse(localStorage.cmp));
window.choose = (granted) => { localStorage.cmp = JSON.stringify(granted); update(granted); };
"""
# WP Consent API: a cookie per category, wp_has_consent, wp_set_consent and two events.
WP = """
window.wp_consent_type = "optin";
const value = (category) => document.cookie.match(`wp_consent_${category}=([a-z]+)`)?.[1] ?? "";
window.wp_has_consent = (category) =>
  !wp_consent_type || (wp_consent_type.includes("optout") && value(category) === "") || value(category) === "allow";
window.wp_set_consent = (category, allow) => {
  document.cookie = `wp_consent_${category}=${allow}; path=/`;
  document.dispatchEvent(new CustomEvent("wp_listen_for_consent_change", {detail: {[category]: allow}}));
};
window.choose = (granted) => wp_set_consent("marketing", granted ? "allow" : "deny");
"""
KLARO_CONFIG = 'window.klaroConfig = {acceptAll: true, services: [{name: "gettyimages", purposes: ["media"]}, {name: "other", purposes: ["media"]}]};'
KLARO = """
window.choose = (granted) => {
  klaro.getManager().updateConsent("gettyimages", granted);
  klaro.getManager().saveAndApplyConsents();
};
"""
COOKIE_CONSENT = """
CookieConsent.run({
  hideFromBots: false,
  categories: {necessary: {readOnly: true, enabled: true}, media: {services: {gettyimages: {label: "Getty Images"}, other: {label: "Other"}}}},
  language: {default: "en", translations: {en: {
    consentModal: {title: "Cookies?", acceptAllBtn: "Accept all", acceptNecessaryBtn: "Reject all"},
    preferencesModal: {title: "Choose", acceptAllBtn: "Accept all", savePreferencesBtn: "Save", sections: []},
  }}},
});
window.choose = (granted) => CookieConsent.acceptService(granted ? ["gettyimages"] : [], "media");
"""
IFRAMEMANAGER = """
window.changes = [];
iframemanager().run({onChange: (change) => changes.push(change.eventSource.action), services: {gettyimages: {}, other: {}}});
window.choose = (granted) => granted ? iframemanager().acceptService("gettyimages") : iframemanager().rejectService("gettyimages");
"""


@dataclass(frozen=True)
class Tool:
    """A consent tool: the scripts before the adapter, the adapter's attributes, and the scripts after it.

    :param package: its script in node_modules, if it is a real package.
    :param writes: whether the adapter passes a choice that is made in a picture to the tool.
    """

    name: str
    before: str = ""
    after: str = ""
    data: str = ""
    package: str = ""
    writes: bool = False

    def scripts(self, desk: Desk, packages: Path, *, late: bool = False) -> str:
        """The script tags of a page, in order; ``late`` puts the façade's script after the adapter's."""
        facade = assets("facade", desk.settings.rendering, desk.settings.static_url)["js"][0]
        parts = {"before.js": self.before, "after.js": self.after}
        if self.package:
            parts["tool.js"] = packages.joinpath("node_modules", self.package).read_text("utf-8")
        parts["adapter.js"] = (ADAPTERS / f"{self.name}.js").read_text("utf-8")
        for name, text in parts.items():
            desk.site.pages[f"/{name}"] = ("text/javascript", text, "")
        tags = [
            f'<script src="/before.js"></script><script src="/{"tool.js" if self.package else "empty.js"}"></script>'
        ]
        ours = [
            f'<script defer src="{escape(facade)}"></script>',
            f'<script defer src="/adapter.js"{self.data}></script>',
        ]
        return "".join([*tags, *(reversed(ours) if late else ours), '<script defer src="/after.js"></script>'])


TOOLS = (
    Tool("tcf", before=TCF, data=' data-ek-purposes="1,2" data-ek-vendor="42"'),
    Tool("google", before=GOOGLE),
    Tool("wp", before=WP),
    Tool("klaro", KLARO_CONFIG, KLARO, package="klaro/dist/klaro.js", writes=True),
    Tool(
        "cookieconsent",
        after=COOKIE_CONSENT,
        data=' data-ek-category="media" data-ek-service="gettyimages"',
        package="vanilla-cookieconsent/dist/cookieconsent.umd.js",
        writes=True,
    ),
    Tool(
        "iframemanager", after=IFRAMEMANAGER, package="@orestbida/iframemanager/dist/iframemanager.js", writes=True
    ),
)
WRITING = [tool for tool in TOOLS if tool.writes]
READING = [tool for tool in TOOLS if not tool.writes]


@pytest.fixture(name="packages", scope="module")
def fixture_packages() -> Path:
    return node_packages(Path(__file__).parent / "consent")


def show(desk: Desk, tool: Tool, packages: Path, *, late: bool = False) -> Page:
    desk.site.pages["/empty.js"] = ("text/javascript", ";", "")
    desk.write(desk.html("facade", title="One") + tool.scripts(desk, packages, late=late))
    page = desk.open()
    expect(page.locator(".ek--ready")).to_have_count(1)
    return page


def asked(desk: Desk) -> int:
    return sum(path.startswith("/embed/") for path in desk.frames.asked)


def name(tool: Tool) -> str:
    return tool.name


@pytest.mark.parametrize("late", [False, True], ids=["", "late"])
@pytest.mark.parametrize("tool", TOOLS, ids=name)
def test_nothing_before_consent_one_after_and_gone_when_revoked(
    desk: Desk, packages: Path, tool: Tool, late: bool
) -> None:
    page = show(desk, tool, packages, late=late)
    page.wait_for_load_state("networkidle")
    assert (page.locator("iframe").count(), asked(desk)) == (0, 0)

    page.evaluate("choose(true)")
    expect(page.frame_locator("iframe").get_by_role("heading")).to_have_text("Viewer")
    assert asked(desk) == 1

    left = "() => { choose(false); return document.querySelectorAll('figure iframe').length; }"
    assert page.evaluate(left) == 0, "gone before anything else happens"
    assert page.evaluate(STORED) is None

    page.reload()
    expect(page.locator(".ek--ready")).to_have_count(1)
    page.wait_for_load_state("networkidle")
    assert (page.locator("iframe").count(), asked(desk)) == (0, 1)
    page.evaluate("choose(true)")
    page.reload()
    expect(page.locator("figure iframe")).to_have_count(1)


@pytest.mark.parametrize("tool", WRITING, ids=name)
def test_the_choice_in_a_picture_is_the_choice_in_the_tool(desk: Desk, packages: Path, tool: Tool) -> None:
    page = show(desk, tool, packages)
    page.evaluate("choose(false)")
    page.get_by_label(ALWAYS).check()
    expect(page.locator("figure iframe")).to_have_count(1)
    assert page.evaluate(STORED) is None, "one memory, the tool's"
    page.reload()
    expect(page.locator("figure iframe")).to_have_count(1)
    page.get_by_role("button", name=STOP).click()
    expect(page.locator("figure iframe")).to_have_count(0)
    page.reload()
    expect(page.get_by_label(ALWAYS)).to_be_visible()
    expect(page.locator("figure iframe")).to_have_count(0)


@pytest.mark.parametrize("tool", READING, ids=name)
def test_where_the_tool_alone_decides_a_picture_offers_no_lasting_choice(
    desk: Desk, packages: Path, tool: Tool
) -> None:
    page = show(desk, tool, packages)
    page.evaluate("choose(false)")
    expect(page.get_by_label(ALWAYS)).to_be_hidden()
    page.get_by_role("button", name="Show picture").click()
    expect(page.locator("figure iframe")).to_have_count(1)
    page.evaluate("choose(true)")
    expect(page.get_by_role("button", name=STOP)).to_have_count(0)


@pytest.mark.parametrize("tool", TOOLS, ids=name)
def test_global_privacy_control_counts_more_than_a_tool(desk: Desk, packages: Path, tool: Tool) -> None:
    page = show(desk, tool, packages)
    page.evaluate("choose(true)")
    expect(page.locator("figure iframe")).to_have_count(1)
    page.add_init_script(GPC)
    page.reload()
    expect(page.locator(".ek--ready")).to_have_count(1)
    page.wait_for_load_state("networkidle")
    expect(page.locator("figure iframe")).to_have_count(0)


def test_the_banner_of_klaro_opens_pictures(desk: Desk, packages: Path) -> None:
    tool = next(tool for tool in TOOLS if tool.name == "klaro")
    page = show(desk, tool, packages)
    page.locator(".klaro .cm-btn-success").first.click()
    expect(page.locator("figure iframe")).to_have_count(1)


def test_a_choice_in_a_picture_answers_none_of_klaros_other_questions(desk: Desk, packages: Path) -> None:
    tool = next(tool for tool in TOOLS if tool.name == "klaro")
    page = show(desk, tool, packages)
    page.get_by_label(ALWAYS).check()
    expect(page.locator("figure iframe")).to_have_count(1)
    assert page.evaluate("[klaro.getManager().confirmed, klaro.getManager().getConsent('other')]") == [
        False,
        False,
    ]
    page.reload()
    expect(page.locator("figure iframe")).to_have_count(1)


def test_the_banner_of_cookieconsent_opens_pictures_and_others_keep_their_choice(
    desk: Desk, packages: Path
) -> None:
    tool = next(tool for tool in TOOLS if tool.name == "cookieconsent")
    page = show(desk, tool, packages)
    page.get_by_role("button", name="Accept all").click()
    expect(page.locator("figure iframe")).to_have_count(1)
    page.get_by_role("button", name=STOP).click()
    expect(page.locator("figure iframe")).to_have_count(0)
    services = "CookieConsent.getUserPreferences().acceptedServices.media"
    assert page.evaluate(services) == ["other"]
    page.get_by_label(ALWAYS).check()
    assert sorted(page.evaluate(services)) == ["gettyimages", "other"]


def test_iframemanager_still_calls_the_sites_own_function(desk: Desk, packages: Path) -> None:
    tool = next(tool for tool in TOOLS if tool.name == "iframemanager")
    page = show(desk, tool, packages)
    page.evaluate("choose(true); choose(false)")
    assert page.evaluate("changes") == ["accept", "reject"]


@pytest.mark.parametrize(
    "state",
    [
        "{gdprApplies: false, eventStatus: 'tcloaded', purpose: {consents: {1: true, 2: true}}, vendor: {consents: {42: true}}}",
        "{gdprApplies: true, eventStatus: 'cmpuishown', purpose: {consents: {1: true, 2: true}}, vendor: {consents: {42: true}}}",
        "{gdprApplies: true, eventStatus: 'tcloaded', purpose: {consents: {1: true}}, vendor: {consents: {42: true}}}",
        "{gdprApplies: true, eventStatus: 'tcloaded', purpose: {consents: {1: true, 2: true}}, vendor: {consents: {}}}",
        "{gdprApplies: true, eventStatus: 'tcloaded', purpose: {consents: {1: true, 2: true}}, vendor: {consents: {42: true}, disclosedVendors: {42: false}}}",
    ],
    ids=["elsewhere", "asking", "purpose", "vendor", "undisclosed"],
)
def test_no_other_state_of_tcf_opens_pictures(desk: Desk, packages: Path, state: str) -> None:
    tool = next(tool for tool in TOOLS if tool.name == "tcf")
    page = show(
        desk,
        Tool("tcf", f"window.__tcfapi = (c, v, callback) => callback({state}, true);", data=tool.data),
        packages,
    )
    page.wait_for_load_state("networkidle")
    expect(page.locator("figure iframe")).to_have_count(0)


@pytest.mark.parametrize(
    ("adapter", "before"),
    [
        ("google", "window.dataLayer = [['consent', 'default', {ad_storage: 'granted'}], ['consent', 'update', {analytics_storage: 'granted'}]];"),
        ("wp", WP + "wp_consent_type = 'optout';"),
        ("wp", WP + "wp_consent_type = undefined;"),
        *((adapter, "") for adapter in ("tcf", "google", "wp", "klaro", "cookieconsent", "iframemanager")),
    ],
)  # fmt: skip
def test_defaults_and_tools_that_are_not_there_open_nothing(
    desk: Desk, packages: Path, adapter: str, before: str
) -> None:
    desk.write("")
    page = show(desk, Tool(adapter, before), packages)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.reload()
    page.wait_for_load_state("networkidle")
    expect(page.locator("figure iframe")).to_have_count(0)
    page.get_by_label(ALWAYS).check()
    expect(page.locator("figure iframe")).to_have_count(1)
    assert errors == []


def test_an_adapter_is_small_and_each_is_tried() -> None:
    sizes = {path.stem: len(path.read_bytes()) for path in ADAPTERS.iterdir()}
    assert sizes.keys() == {tool.name for tool in TOOLS}
    assert all(size < MAX_ADAPTER_BYTES for size in sizes.values()), sizes

"""Settings, errors, freshness, sizes and records: plain values, tested with tables."""

from __future__ import annotations

import copy
import doctest
import json
import logging
import pickle
import re
from dataclasses import replace
from types import ModuleType

import pytest

from embedkit import errors, models, settings, validation
from embedkit.errors import ConfigurationError, EmbedKitError, InvalidResponse, NotFound
from embedkit.freshness import DAY, Policy, Verdict, judge, lifetime, negative_for
from embedkit.getty import references, urls
from embedkit.messages import Request, Response, exchange
from embedkit.models import AssetRef, Bounds, Embed, Frame, Options
from embedkit.settings import Secret, Settings, rows
from embedkit.web.errors import CODES
from embedkit.web.troubles import FINDINGS, TROUBLES

SIG = "q" * 43 + "="
FRAME = Frame(("74917285",), (("et", "e" * 22), ("tld", "com"), ("sig", SIG)))


def embed(width: int = 594, height: int = 396, **other: object) -> Embed:
    made = Embed(
        ref=AssetRef(("74917285",)),
        type="rich",
        version="1.0",
        title="Harbour at dusk",
        caption="Boats",
        photographer="Ada Berg",
        collection="Moment",
        width=width,
        height=height,
        thumbnail_url=None,
        thumbnail_width=None,
        thumbnail_height=None,
        terms_of_use_url=None,
        page_url="https://www.gettyimages.com/detail/74917285",
        frame=FRAME,
    )
    return replace(made, **other)  # type: ignore[arg-type]


# -- settings ------------------------------------------------------------------------------------------


def test_settings_come_from_an_environment_or_a_mapping() -> None:
    assert Settings.from_env({"EMBEDKIT_MAX_AGE": "60", "HOME": "/x"}).max_age == 60
    assert Settings.from_mapping({"MAX_AGE": 60, "cors_origins": ["https://a.example"]}).cors_origins == (
        "https://a.example",
    )


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MAX_AGE", "soon", "MAX_AGE must be a whole number"),
        ("MAX_AGE", "0", "MAX_AGE must be 1 or more"),
        ("TIMEOUT", "1e9", "TIMEOUT must be a number of seconds"),
        ("TIMEOUT", "nan", "TIMEOUT must be a number of seconds"),
        ("TARGET", "flash", "TARGET must be one of web, facade"),
        ("ON_ERROR", "explode", "ON_ERROR must be one of card, link, text, raise"),
        ("TLD", "evil", "TLD must be one of com, com.au"),
        ("FROZEN", "perhaps", "FROZEN must be true or false"),
        ("OEMBED_ENDPOINT", "http://embed.gettyimages.com/oembed", "must be an https URL"),
        ("OEMBED_ENDPOINT", "https://u:p@embed.gettyimages.com/oembed", "must be an https URL"),
        ("OEMBED_ENDPOINT", "https://a.example\\@b/", "must be an https URL"),
        ("API_BASE", "ftp://api.gettyimages.com", "must be an https URL"),
        ("API_RATE", "4", "must be a rate such as"),
        ("API_RATE", "0/second", "must be a rate such as"),
        *(
            ("PROXY", wrong, "EMBEDKIT_PROXY must be a URL such as http://proxy.example.org:3128")
            for wrong in (
                *(
                    "proxy.example.org:3128",
                    "socks5://proxy.example.org",
                    "http://",
                    "http://p:99999",
                    "http://p:0",
                ),
                *("http://p/path", "http://p?q", "http://[::1", "http://p\\x", "http://p x"),
            )
        ),
        ("TOKENS", "short", "at least 32 characters"),
        ("CORS_ORIGINS", "https://a.example/path", "is not one"),
        ("CORS_ORIGINS", "*", "is not one"),
        ("IMAGE_ORIGINS", "http://media.gettyimages.com", "must be an https URL"),
        ("RATE_LIMIT", "many", "must be a rate such as 60/minute"),
        ("PUBLIC_URL", "embeds.example.org", "must be a URL"),
        ("PUBLIC_URL", "https://[::1", "must be a URL"),
        ("PUBLIC_URL", "https://x.example:99999", "must be a URL"),
        ("PUBLIC_URL", "https://x.example/\nCanonical: https://y.example", "must be a URL"),
        ("PUBLIC_URL", "https://x.example/\x1b[31m", "must be a URL"),
        ("PUBLIC_URL", "https://user:password@x.example", "must be a URL"),
        ("PUBLIC_URL", "https://x.example/#", "must be a URL"),
        ("PUBLIC_URL", 'https://x.example/"', "must be a URL"),
        ("PRIVACY_URL", "/privacy", "must be an https URL such as https://example.org/privacy"),
        ("PRIVACY_URL", "http://x.example/privacy", "must be an https URL"),
        ("PRIVACY_URL", "https://x.example:99999/", "must be an https URL"),
        ("PRIVACY_URL", 'https://x.example/?"onclick=', "must be an https URL"),
        ("PRIVACY_URL", "https://x.example/{{x}}", "must be an https URL"),
        ("PRIVACY_URL", "https://user@x.example/", "must be an https URL"),
        ("CREDENTIALLESS", "perhaps", "must be true or false"),
        ("OEMBED_ENDPOINT", "https://[::1", "must be an https URL"),
        ("OEMBED_ENDPOINT", "https://x.example:port/", "must be an https URL"),
        ("FRAME_ORIGIN", "https://x.example;script-src", "must be an https URL"),
    ],
)
def test_an_invalid_setting_is_named(name: str, value: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Settings.from_env({f"EMBEDKIT_{name}": value})


def test_upstreams_may_be_plain_http_on_loopback_only() -> None:
    for host in ("127.0.0.1:8081", "localhost:8081", "[::1]:8081"):
        assert Settings(oembed_endpoint=f"http://{host}/oembed").oembed_endpoint == f"http://{host}/oembed"


@pytest.mark.parametrize("ending", ["", "/", "/v3", "/v3/", "/V3"])
def test_the_api_is_named_with_its_version_or_without(ending: str) -> None:
    for base in ("https://api.gettyimages.com", "https://mirror.example/getty"):
        assert Settings(api_base=f"{base}{ending}").api_base == base


@pytest.mark.parametrize(
    ("rate", "calls"),
    [("4/second", 4.0), ("240/minute", 4.0), ("10 per 2 second", 5.0), ("3600/hour", 1.0), ("86400 / day", 1.0)],
)
def test_a_rate_is_converted_to_calls_a_second(rate: str, calls: float) -> None:
    assert Settings(api_rate=rate).api_calls_per_second == calls


def test_the_password_of_a_proxy_is_not_shown() -> None:
    settings = Settings.from_env({"EMBEDKIT_PROXY": " http://ada:canary@proxy.example.org:3128/ "})
    assert settings.proxy.reveal() == "http://ada:canary@proxy.example.org:3128"
    assert "canary" not in repr(settings)
    assert Settings(proxy=settings.proxy).proxy == settings.proxy
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_env({"EMBEDKIT_PROXY": "socks5://ada:canary@proxy.example.org"})
    assert "canary" not in str(caught.value)


def test_the_error_of_an_unknown_setting_suggests_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean EMBEDKIT_MAX_AGE"):
        Settings.from_env({"EMBEDKIT_MAXAGE": "1"})
    with pytest.raises(ConfigurationError, match="See the settings"):
        Settings.from_env({"EMBEDKIT_XYZZY": "1"})


def test_an_invalid_secret_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings(tokens="canary-token")  # type: ignore[arg-type]
    assert "canary" not in str(caught.value)


def test_secrets_are_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(api_key="canary-key", secret="canary-" + "x" * 32)  # type: ignore[arg-type]
    key = settings.api_key
    logging.getLogger("t").warning("%s %r", key, settings)
    shown = [
        str(key),
        repr(key),
        f"{key}",
        f"{key:>9}",
        repr(settings),
        str(pickle.dumps(key)),
        caplog.text,
    ]
    assert not any("canary" in text for text in shown)
    assert key.reveal() == "canary-key"
    assert settings.secret[0].reveal().startswith("canary-")
    assert str(Secret("")) == ""
    with pytest.raises(TypeError):
        json.dumps({"key": key})
    assert copy.deepcopy(settings) == settings
    assert key == Secret("canary-key") != Secret("other")


def test_every_setting_has_a_description() -> None:
    for name, _, says in rows():
        assert name == name.upper()
        assert says.endswith(".")


def test_a_privacy_page_may_have_a_query_and_a_fragment() -> None:
    for url in ("", "https://x.example", "https://x.example/?page_id=3", "https://x.example:8443/p/a~b#getty"):
        assert Settings(privacy_url=url).privacy_url == url


def test_derived_settings() -> None:
    settings = Settings(public_url="https://embeds.example.org/")
    assert settings.static_url == "https://embeds.example.org/static"
    assert settings.caller_name == "embeds.example.org"
    assert Settings().caller_name == "embedkit"
    assert Settings(caller="cms.example").caller_name == "cms.example"
    assert Settings(max_age=7).policy == Policy(max_age=7)


# -- errors --------------------------------------------------------------------------------------------

TREE = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, EmbedKitError)]


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_errors_keep_their_attributes_when_copied_or_pickled(kind: type[EmbedKitError]) -> None:
    upstream = {"status": 404, "getty_code": "ImageNotFound", "request_url": "https://a.example/v3"}
    more = upstream if issubclass(kind, errors.ProviderError) else {}
    error = kind("went wrong", hint="Do this.", ref="1", retry_after=2.0, **more)
    error.__cause__ = TimeoutError()
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(again) is kind
        assert (again.message, again.hint, again.ref, again.retry_after) == ("went wrong", "Do this.", "1", 2.0)
        assert {name: getattr(again, name) for name in more} == more
    assert copy.copy(error).__cause__ is error.__cause__
    assert str(error) == "went wrong Do this."
    assert str(kind()) == kind.title


def test_the_requested_url_is_shown_without_secrets() -> None:
    request = Request(
        "https://user:pw@a.example/v3/images/1?sig=s", "api", params=(("phrase", "a b&ü"), ("page", "2"))
    )
    assert request.shown_url == "https://a.example/v3/images/1?phrase=a%20b%26%C3%BC&page=2"
    assert Request("https://a.example/oembed", "oembed").shown_url == "https://a.example/oembed"
    signed = Request("https://files.example/x/1.jpg?token=t", "delivery", signed=True)
    assert signed.shown_url == "https://files.example"


def test_an_exchange_sets_the_requested_url() -> None:
    request = Request("https://a.example/v3", "api")
    response = exchange(lambda _: Response(200), request)
    assert response.evidence == {"status": 200, "request_url": "https://a.example/v3"}

    def fail(_: Request) -> Response:
        raise errors.Unavailable("no")

    with pytest.raises(errors.Unavailable) as caught:
        exchange(fail, request)
    assert (caught.value.status, caught.value.request_url) == (None, "https://a.example/v3")


def test_an_error_as_json_has_message_and_hint() -> None:
    error = ConfigurationError("There is no target 'x'.", hint="Use web.")
    assert error.as_json() == {
        "code": "configuration",
        "title": ConfigurationError.title,
        "detail": "There is no target 'x'. Use web.",
    }


def test_every_code_has_a_cause_a_fix_and_an_example() -> None:
    assert set(TROUBLES) == set(CODES)
    for code, trouble in (TROUBLES | FINDINGS).items():
        assert all(trouble), code
        assert trouble.cause.endswith(".")
        assert trouble.fix.endswith(".")
        named = {word for text in trouble for word in re.findall(r"EMBEDKIT_([A-Z_]+)", text)}
        assert named <= {name for name, _, _ in rows()}, code


def test_codes_are_distinct() -> None:
    codes = [kind.code for kind in TREE]
    assert len(set(codes)) == len(codes)
    assert InvalidResponse(texts={"title": "x"}).texts == {"title": "x"}


# -- freshness -----------------------------------------------------------------------------------------

POLICY = Policy(max_age=100, stale_while_revalidate=50, stale_if_error=500, negative_max_age=600)


@pytest.mark.parametrize(
    ("age", "verdict"),
    [
        (0, Verdict.FRESH),
        (99.9, Verdict.FRESH),
        (100, Verdict.STALE_WHILE_REVALIDATE),
        (149, Verdict.STALE_WHILE_REVALIDATE),
        (150, Verdict.STALE_IF_ERROR),
        (599, Verdict.STALE_IF_ERROR),
        (600, Verdict.EXPIRED),
        (-60, Verdict.FRESH),
        (-60.5, Verdict.STALE_IF_ERROR),
        (-3600, Verdict.STALE_IF_ERROR),
    ],
)
def test_judge(age: float, verdict: Verdict) -> None:
    assert judge(age, 100, POLICY) is verdict


def test_a_lifetime_longer_than_any_we_assign_is_expired() -> None:
    assert judge(0, 10**9, POLICY) is Verdict.EXPIRED
    longest = lifetime(POLICY, 10**9, 1.0)
    assert judge(0, longest, POLICY) is Verdict.FRESH
    assert judge(0, longest + 1, POLICY) is Verdict.EXPIRED


@pytest.mark.parametrize(
    ("cache_age", "roll", "seconds"),
    [(None, 0.5, 100), (None, 0, 90), (None, 1, 110), (1, 0.5, 300), (10**9, 0.5, 7 * DAY), (4000, 0.5, 4000)],
)
def test_lifetime(cache_age: int | None, roll: float, seconds: float) -> None:
    assert lifetime(POLICY, cache_age, roll) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("code", "count", "seconds"),
    [
        ("not-found", 1, 600),
        ("not-found", 2, 1200),
        ("not-found", 99, DAY),
        ("not-embeddable", 1, 600),
        ("invalid-response", 1, 60),
        ("invalid-response", 99, 3600),
        ("unavailable", 1, 0),
        ("rate-limited", 1, 0),
    ],
)
def test_negative_for(code: str, count: int, seconds: float) -> None:
    assert negative_for(code, count, POLICY) == seconds


# -- sizes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "options", "shown"),
    [
        ((594, 396), {}, (594, 396)),
        ((1200, 800), {}, (594, 396)),
        ((800, 1200), {}, (396, 594)),
        ((594, 396), {"max_width": 300}, (300, 200)),
        ((396, 594), {"max_width": 500}, (396, 594)),
        ((1200, 800), {"max_width": 900}, (900, 600)),
        ((594, 396), {"max_width": 900}, (594, 396)),
        ((1000, 1500), {"max_width": 500, "max_height": 750}, (500, 750)),
        ((594, 396), {"max_height": 100}, (150, 100)),
        ((594, 1), {"max_width": 1}, (1, 1)),
    ],
)
def test_the_size_shown_depends_only_on_the_options(
    held: tuple[int, int], options: dict[str, int], shown: tuple[int, int]
) -> None:
    made = embed(*held).scaled(Options(**options))  # type: ignore[arg-type]
    assert (made.width, made.height) == shown


def test_the_bar_of_2014_does_not_scale() -> None:
    old = embed(395, 643, frame=replace(FRAME, bar=49))
    assert old.scaled(Options()).height == 643
    half = old.scaled(Options(max_width=198))
    assert (half.width, half.height) == (198, 298 + 49)


@pytest.mark.parametrize(
    ("options", "question"),
    [
        ({}, (None, None)),
        ({"max_width": 594}, (None, None)),
        ({"max_width": 800}, (800, None)),
        ({"max_width": 500, "max_height": 750}, (594, 750)),
    ],
)
def test_only_larger_sizes_are_requested(options: dict[str, int], question: Bounds) -> None:
    assert Options(**options).requested_bounds == question  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("held", "asked", "options", "enough"),
    [
        ((594, 396), (None, None), {"max_width": 100}, True),
        ((594, 396), (None, None), {"max_width": 800}, False),
        ((500, 333), (None, None), {"max_width": 800}, True),  # below 594: Getty has no larger one
        ((800, 533), (800, None), {"max_width": 700}, True),
        ((800, 533), (800, None), {"max_width": 900}, False),
        ((640, 427), (800, None), {"max_width": 900}, True),
        ((800, 533), (800, None), {"max_height": 900}, False),
        ((800, 533), (800, None), {"max_height": 600, "max_width": 700}, True),
    ],
)
def test_covers(held: tuple[int, int], asked: Bounds, options: dict[str, int], enough: bool) -> None:
    assert embed(*held, asked=asked).satisfies(Options(**options)) is enough  # type: ignore[arg-type]


# -- models and records --------------------------------------------------------------------------------


def test_options_over() -> None:
    assert Options(max_width=1).over(Options(max_width=2, tld="de")) == Options(max_width=1, tld="de")
    assert Options(caption=False).over(Options(caption=True)).caption is False


def test_a_frame_keeps_the_order_of_its_query() -> None:
    frame = Frame(("1", "2"), (("et", "E"), ("viewMoreLink", "off"), ("sig", "S=")))
    assert frame.path() == "/embed/1,2?et=E&viewMoreLink=off&sig=S="
    assert frame.path(caption=True).endswith("&sig=S=&caption=true")
    assert (frame.et, frame.sig, frame.tld) == ("E", "S=", "com")


def test_records_survive_a_round_trip() -> None:
    made = embed(fetched_at=1.5, fresh_until=2.5, asked=(800, None), thumbnail_url="https://x/", thumbnail_width=1)
    assert Embed.from_record(made.as_record()) == made
    assert "fetched_at" not in made.as_record(times=False)


@pytest.mark.parametrize(
    "damage",
    [
        {"width": "594"},
        {"width": 0},
        {"title": None},
        {"frame": None},
        {"frame": {"items": [5], "query": [], "is360": False, "bar": 0}},
        {"frame": {"items": ["5"], "query": [["et", None]], "is360": False, "bar": 0}},
        {"frame": {"items": ["5"], "query": [["et"]], "is360": False, "bar": 0}},
        {"ref": 5},
        {"asked": []},
        {"height": True},
    ],
)
def test_a_damaged_record_is_refused(damage: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Embed.from_record(embed().as_record() | damage)


def test_the_public_record() -> None:
    public = embed(fetched_at=0, fresh_until=100).as_json(now=40)
    assert public["ref"] == "74917285"
    assert public["fetched_at"] == "1970-01-01T00:00:00Z"
    assert public["cache_age"] == 60
    assert public["frame"] == {
        "items": ["74917285"],
        "query": [["et", "e" * 22], ["tld", "com"], ["sig", SIG]],
        "is360": False,
    }
    assert "asked" not in public


def test_not_found_is_a_provider_error_and_not_permanent_by_default() -> None:
    assert isinstance(NotFound(), errors.ProviderError)
    assert not NotFound().gone


@pytest.mark.parametrize(
    "module", [models, references, settings, urls, validation], ids=lambda module: module.__name__
)
def test_examples_in_docstrings_run(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0

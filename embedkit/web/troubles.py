"""What each code of an error means: why it comes, what mends it, and an example. One row a code.

The page ``/docs``, the README and ``embedkit explain`` are made from these tables, and a test holds them to the
codes that there are.
"""

from __future__ import annotations

from typing import NamedTuple


class Trouble(NamedTuple):
    """Why an error comes, what mends it, and when one meets it; as plain text."""

    cause: str
    mend: str
    example: str


TROUBLES = {
    # of the tree in errors.py
    "error": Trouble(
        "Something that nobody thought of failed in the service.",
        "Look for the traceback in the service's log, and report it.",
        "Any request; the log has a line “unexpected error”.",
    ),
    "configuration": Trouble(
        "A setting is missing or wrong, or an argument is one that a method does not take.",
        "Run embedkit doctor: it names every wrong setting, and what mends it.",
        "EMBEDKIT_MAX_AGE=soon embedkit serve",
    ),
    "unsupported": Trouble(
        "The text is not an asset ID, a list of one to five, a Getty Images URL of a picture, or embed code.",
        "Pass an ID such as 74917285; a page of this service needs EMBEDKIT_PUBLIC_URL.",
        "GET /v1/embeds/sunset",
    ),
    "provider": Trouble(
        "Getty Images gave no embed, for a reason of its own.",
        "Try again later; .status and .getty_code of the error say more.",
        'kit.resolve("74917285") while a cached error has a code that this version does not know',
    ),
    "not-found": Trouble(
        "The picture was withdrawn, or there never was one of that ID. The copy held here is dropped.",
        "Choose another picture; embedkit check finds all such references in your texts.",
        "GET /v1/embeds/500000404",
    ),
    "not-embeddable": Trouble(
        "The picture exists, but Getty Images does not let it be embedded.",
        "Choose another one: a search here finds only pictures that may be embedded.",
        "GET /v1/embeds/500000403",
    ),
    "rate-limited": Trouble(
        "Getty Images, or EMBEDKIT_API_RATE, allows fewer calls a second.",
        "Wait for Retry-After and try again; if your key allows more calls, raise EMBEDKIT_API_RATE.",
        "A hundred searches at once, with a TIMEOUT of five seconds",
    ),
    "quota-exhausted": Trouble(
        "The calls or downloads of a period are used up: Getty's, or EMBEDKIT_SEARCH_BUDGET or _DOWNLOAD_BUDGET.",
        "Wait until the period is over, ask Getty Images for more, or raise the budget.",
        "GET /v1/search?q=eclipse, once more than SEARCH_BUDGET allows",
    ),
    "unauthorized": Trouble(
        "The credentials are missing or refused, and Getty Images does not say which.",
        "Check EMBEDKIT_API_KEY, EMBEDKIT_API_SECRET, EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD.",
        "embedkit search eclipse, with a wrong EMBEDKIT_PASSWORD",
    ),
    "invalid-key": Trouble(
        "The API key is missing, misspelled or inactive, or its secret is not the one that goes with it.",
        "Compare EMBEDKIT_API_KEY and EMBEDKIT_API_SECRET with what Getty Images sent you.",
        "embedkit search eclipse, with EMBEDKIT_API_KEY=wrong",
    ),
    "invalid-token": Trouble(
        "The access token is missing or refused, or it is not one of a customer where there has to be one.",
        "Set EMBEDKIT_API_SECRET; for downloads and boards run embedkit login, or set EMBEDKIT_USERNAME and"
        " EMBEDKIT_PASSWORD, too.",
        "embedkit download 74917285, without EMBEDKIT_USERNAME (UserTokenRequired)",
    ),
    "permission-denied": Trouble(
        "The credentials are good, but the key or the customer lacks the product or the right.",
        "Choose another product_type, ask the owner of the board, or ask Getty Images what the key includes.",
        "embedkit download 74917285 --product-type imagepack, without such an agreement",
    ),
    "not-licensed": Trouble(
        "The picture is outside the customer's agreement, so it can't be downloaded.",
        "Choose another picture, or a product_type among its largest downloads: embedkit download ID --sizes.",
        "embedkit download 74917285, of a customer without an agreement for it",
    ),
    "already-licensed": Trouble(
        "The picture is licensed, and every order of its file is a licence: nothing is ordered twice by itself.",
        "Use the file that you have, or the download history at gettyimages.com; --again licenses it once more.",
        "embedkit download 74917285 --product-type premiumaccess --force, a day after the first time",
    ),
    "license-unknown": Trouble(
        "The answer to an order was lost, and the download history, which would tell, can't be read.",
        "Look at the download history at gettyimages.com, or try again later; --again licenses it once more.",
        "embedkit download 74917285, whose network fails between the order and its answer",
    ),
    "unavailable": Trouble(
        "Getty Images is down, slow or out of reach, or a proxy or a firewall is in the way.",
        "Try again later; embedkit doctor tests the way, and EMBEDKIT_PROXY names a proxy.",
        "GET /v1/embeds/74917285, without a network",
    ),
    "invalid-response": Trouble(
        "The answer is not one that may be used: a maintenance page, a changed format, a wrong URL.",
        "If it lasts, check EMBEDKIT_OEMBED_ENDPOINT and EMBEDKIT_API_BASE; then report it.",
        "EMBEDKIT_OEMBED_ENDPOINT=https://example.org embedkit resolve 74917285",
    ),
    # of HTTP alone, in web/errors.py
    "invalid-request": Trouble(
        "A parameter or the body does not fit, is not known, or asks for a page beyond the last.",
        "The detail names it, what it may be, and what was probably meant.",
        "GET /v1/search?q=eclipse&orientation=horizontal",
    ),
    "token-required": Trouble(
        "The route is for holders of a token, and the request has none.",
        "Send Authorization: Bearer with one of EMBEDKIT_TOKENS, or with a grant.",
        "GET /v1/search?q=eclipse, without Authorization",
    ),
    "forbidden": Trouble(
        "The token or grant is unknown, has expired, or doesn't grant access to this route.",
        "Send one of EMBEDKIT_TOKENS, a fresh grant from POST /v1/grants, or EMBEDKIT_ADMIN_TOKEN for purging.",
        "DELETE /v1/embeds/74917285, with a token of search",
    ),
    "no-route": Trouble(
        "The service has no such URL.",
        "See the list of routes at /docs.",
        "GET /v1/embed/74917285",
    ),
    "method-not-allowed": Trouble(
        "The URL exists, but not for this method.",
        "Use one of those that the header Allow names.",
        "POST /oembed",
    ),
    "too-large": Trouble(
        "The body, or the work of reading the text, is more than one request may have.",
        "Send the text in parts.",
        "POST /v1/render, with a text of three megabytes",
    ),
    "throttled": Trouble(
        "This client calls more often than EMBEDKIT_RATE_LIMIT or EMBEDKIT_COLD_LIMIT allows.",
        "Wait for Retry-After; whoever runs the service can raise the limit.",
        "GET /v1/embeds/74917285, sixty-one times in a minute",
    ),
    "unsupported-format": Trouble(
        "oEmbed is answered as JSON alone.",
        "Ask with format=json.",
        "GET /oembed?url=https://gty.im/74917285&format=xml",
    ),
    "not-configured": Trouble(
        "The route needs a setting that is not set: search needs EMBEDKIT_API_KEY.",
        "Set what the detail names, and start the service again.",
        "GET /v1/search?q=eclipse, without EMBEDKIT_API_KEY",
    ),
}

# of what is found in a text, which is rendered in spite of it
FINDINGS = {
    "shortcode": Trouble(
        "A shortcode can't be read, or something looks like one; it stays as it is written.",
        "Write it as [getty 74917285]; put values with spaces or brackets in quotes.",
        "[gety 74917285]",
    ),
    "unknown-attribute": Trouble(
        "A shortcode has no attribute of that name, or a value has no name; the rest of it counts.",
        "Take the name that the message proposes; an alternative text is title or alt.",
        "[getty 74917285 widht=300]",
    ),
    "invalid-attribute": Trouble(
        "The attribute can't have that value, and is ignored.",
        "Use one of those that the message names: sizes are whole pixels.",
        "[getty 74917285 width=100%]",
    ),
    "duplicate-attribute": Trouble(
        "An attribute is there twice; the last one counts.",
        "Delete one of the two.",
        "[getty 74917285 width=300 maxwidth=400]",
    ),
    "embed-code": Trouble(
        "Something looks like pasted embed code of Getty Images, and names no picture or is in front matter.",
        "Put a shortcode there by hand.",
        "<iframe src='https://embed.gettyimages.com/embed/'></iframe>",
    ),
    "not-rendered": Trouble(
        "The text is reStructuredText, AsciiDoc or Org: embeds can't be rendered into it.",
        "Render the HTML that is made of it.",
        "embedkit render post.rst",
    ),
}

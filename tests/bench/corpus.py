"""Realistic posts, generated from a seed: Markdown mixed with HTML, live embeds, and decoys.

Every post has the IDs that a scanner must find in it, in order. Words, titles and IDs are invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

WORDS = [
    "the",
    "of",
    "and",
    "a",
    "to",
    "in",
    "is",
    "it",
    "was",
    "for",
    "on",
    "as",
    "with",
    "at",
    "by",
    "from",
    "or",
    "an",
    "be",
    "this",
    "that",
    "which",
    "one",
    "had",
    "not",
    "but",
    "what",
    "all",
    "were",
    "when",
    "there",
    "can",
    "more",
    "if",
    "no",
    "out",
    "so",
    "said",
    "up",
    "into",
    "than",
    "them",
    "only",
    "other",
    "time",
    "new",
    "some",
    "could",
    "these",
    "two",
    "may",
    "then",
    "do",
    "first",
    "any",
    "my",
    "now",
    "such",
    "like",
    "our",
    "over",
    "man",
    "even",
    "most",
    "made",
    "after",
    "also",
    "did",
    "many",
    "before",
    "must",
    "through",
    "years",
    "where",
    "much",
    "your",
    "way",
    "well",
    "down",
    "should",
    "because",
    "each",
    "just",
    "those",
    "people",
    "how",
    "too",
    "little",
    "state",
    "good",
    "very",
    "make",
    "world",
    "still",
    "own",
    "see",
    "work",
    "long",
    "get",
    "here",
    "between",
    "both",
    "life",
    "being",
    "under",
    "never",
    "day",
    "same",
    "another",
    "know",
    "river",
    "mountain",
    "harbour",
    "evening",
    "morning",
    "station",
    "street",
    "market",
    "window",
    "garden",
    "bridge",
    "village",
    "island",
    "valley",
    "city",
    "party",
    "pretty",
    "setting",
    "photograph",
    "camera",
    "light",
    "shutter",
    "picture",
    "exhibition",
    "gallery",
    "portrait",
    "landscape",
]
LIVE = (
    *("[getty {id}]",) * 9,
    '[getty src="{id}"]',
    '[getty {id} width=594 caption="The harbour, seen from the bridge"]',
    "[getty src='{id}' align=left title='Evening light' /]",
    "[getty caption=“A pretty village” alt=“Houses”]{id}[/getty]",
    "https://gty.im/{id}",
    "https://www.gettyimages.com/detail/news-photo/the-harbour-at-night-news-photo/{id}",
)
DECOYS = (
    "Write `[getty {id}]` where the picture belongs.",
    "```\n[getty {id}]\n\nhttps://gty.im/{id}\n```",
    "~~~ text\n<pre>\n[getty {id}]\n~~~",
    "<pre><code>[getty {id}]\n</code></pre>",
    "<p>It is <code>[getty {id} width=300]</code> in code.</p>",
    "<!-- [getty {id}]\nhttps://gty.im/{id}\n-->",
    '<img src="/a.jpg" alt="a > b [getty {id}]" class="wide">',
    "<a title='[getty {id}]' href=\"https://gty.im/{id}\">a picture</a>",
    "<script>\nvar tag = '[getty {id}]';\n</script>",
    "As in an example:\n\n    [getty {id}]\n    https://gty.im/{id}",
    "A [link](https://gty.im/{id}) and https://gty.im/{id} in a sentence.",
    "[Getty Images](https://www.gettyimages.com/detail/{id})",
    "[gettysburg {id}] is another word.",
    "\\[getty {id}]",
)


@dataclass(frozen=True)
class Post:
    """A text and the IDs of its live embeds, in order."""

    text: str
    ids: tuple[str, ...]


def posts(count: int, *, seed: int = 1, embeds: bool = True) -> list[Post]:
    """Return posts of 4 to 8 KB, with up to five embeds each, and a decoy in every tenth code block.

    :param embeds: False returns posts without any pictures.
    """
    random = Random(seed)
    catalogue = [str(random.randrange(10**7, 10**9)) for _ in range(5000)]
    return [_post(random, catalogue, embeds) for _ in range(count)]


def _post(random: Random, catalogue: list[str], embeds: bool) -> Post:
    size, blocks = random.randrange(4000, 8000), [f"# {_words(random, 6)}"]
    length = 0
    while length < size:
        blocks.append(_block(random))
        length += len(blocks[-1]) + 2
    ids = [random.choice(catalogue) for _ in range(random.randrange(6))] if embeds else []
    places = sorted(random.sample(range(1, len(blocks) + 1), k=min(len(ids), len(blocks))))
    inserts = [(place, random.choice(LIVE).format(id=id)) for place, id in zip(places, ids, strict=False)]
    if embeds and random.random() < 0.3:
        inserts.append((random.randrange(1, len(blocks) + 1), random.choice(DECOYS).format(id="99999999")))
    for place, text in sorted(inserts, key=lambda insert: -insert[0]):
        blocks.insert(place, text)
    return Post("\n\n".join(blocks) + "\n", tuple(ids[: len(places)]))


def _words(random: Random, count: int) -> str:
    return " ".join(random.choices(WORDS, k=count)).capitalize()


def _sentence(random: Random) -> str:
    words = _words(random, random.randrange(8, 20))
    extra = random.random()
    if extra < 0.06:
        words += f" [{_words(random, 2)}](https://example.org/{random.randrange(1000)})"
    elif extra < 0.1:
        words += f" and `{random.choice(WORDS)}()`"
    elif extra < 0.16:
        words += f" **{random.choice(WORDS)}**"
    elif extra < 0.2:
        words += f' <a href="https://example.org/{random.randrange(1000)}" title="It\'s here">{random.choice(WORDS)}</a>'
    return words + random.choice(".....!?")


def _block(random: Random) -> str:
    kind = random.random()
    prose = " ".join(_sentence(random) for _ in range(random.randrange(2, 6)))
    if kind < 0.55:
        return prose
    if kind < 0.7:
        return f'<p class="lead">{prose}</p>\n<p>{_sentence(random)}<br>{_sentence(random)}</p>'
    if kind < 0.78:
        return "\n".join(f"- {_sentence(random)}" for _ in range(3))
    if kind < 0.84:
        return f"## {_words(random, 4)}\n\n{prose}"
    if kind < 0.9:
        return f"> {prose}"
    if kind < 0.94:
        return f'<figure><img src="/{random.randrange(999)}.jpg" alt="{_words(random, 4)}"><figcaption>{prose}</figcaption></figure>'
    if kind < 0.97:
        return f"```python\nfor word in words:\n    print(word)  # {_words(random, 5)}\n```"
    return f"1. {_sentence(random)}\n\n    {_sentence(random)}\n2. {_sentence(random)}"

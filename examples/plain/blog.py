"""A static blog in one file: it turns Markdown posts into pages and a feed.

python examples/plain/blog.py [--output DIR] [--strict] [--getty] [--no-server] [--port 8000]
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler as Handler
from http.server import ThreadingHTTPServer
from pathlib import Path

import jinja2
import markdown

from embedkit import Build, EmbedKit, Source
from embedkit.sandbox import SandboxServer

HERE = Path(__file__).resolve().parent
PAGES = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE), autoescape=True)


@dataclass(frozen=True, slots=True)
class Post:
    """``name`` is the file name without extension, ``html`` the text with its pictures."""

    name: str
    title: str
    html: str


def main() -> None:
    """Build the blog and serve it; with --strict, fail if a picture can't be shown."""
    args = arguments()
    with ExitStack() as opened:
        settings = None if args.getty else opened.enter_context(SandboxServer()).settings(cache="memory:")
        kit = opened.enter_context(EmbedKit(settings, background=False))
        posts, status = read(kit, strict=args.strict)
        write(kit, posts, args.output)
        if status == 0 and not args.no_server:
            serve(args.output, args.port)  # while the sandbox is running: it serves the pictures' frames
    raise SystemExit(status)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=HERE / "built", help="the folder to write")
    parser.add_argument("--strict", action="store_true", help="fail if a picture can't be shown")
    parser.add_argument("--getty", action="store_true", help="use Getty Images, not the sandbox; see EMBEDKIT_…")
    parser.add_argument("--no-server", action="store_true", help="only write the pages")
    parser.add_argument("--port", type=int, default=8000, help="the port to serve them on; 0 picks a free one")
    return parser.parse_args()


def serve(folder: Path, port: int) -> None:
    with ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, directory=str(folder))) as server:
        print(f"Open http://127.0.0.1:{server.server_port}/ in a browser. (Press Ctrl+C to stop.)", flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


def read(kit: EmbedKit, *, strict: bool) -> tuple[list[Post], int]:
    """Return all posts, with each picture requested once, and the exit code."""
    files = sorted(HERE.glob("posts/*.md"), reverse=True)
    build = Build(kit, strict=strict)
    report = build.render([Source(html(file), "html", file.name) for file in files])
    for finding in report.findings:
        print(finding, file=sys.stderr)
    pages = zip(files, report.pages, strict=True)
    return [Post(file.stem, title(file), page.document.content) for file, page in pages], report.exit_code


def title(file: Path) -> str:
    return file.read_text("utf-8").partition("\n")[0].removeprefix("# ")


def html(file: Path) -> str:
    """Return a post without its title. Pictures are added after Markdown, which then can't read their texts."""
    return markdown.markdown(file.read_text("utf-8").partition("\n")[2], extensions=["tables", "fenced_code"])


def write(kit: EmbedKit, posts: list[Post], output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    kit.copy_assets(output)
    show(output / "index.html", "page.html", posts=posts, title="A blog")
    for post in posts:
        show(output / f"{post.name}.html", "page.html", posts=[post], title=post.title)
    for_feeds = [Post(post.name, post.title, kit.retarget(post.html, "feed")) for post in posts]
    show(output / "feed.xml", "feed.xml", posts=for_feeds)


def show(path: Path, template: str, **values: object) -> None:
    path.write_text(PAGES.get_template(template).render(**values), "utf-8")


if __name__ == "__main__":
    main()

"""Run Debian's WordPress with embedkit's plugin, installed as in its README, on MariaDB and PHP's own server."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.support.examples import EXAMPLES
from tests.support.tools import need, node_packages

SOURCE = Path("/usr/share/wordpress")
START_S = 60
TOKEN = "k" * 40  # the service's token for the plugin
ADMIN_TOKEN = "t" * 40
# The code from Getty's "Embed" button
PASTED = (
    "<a id='giY-P3UyQ7NgmhoUs69FfA' class='gie-single' href='http://www.gettyimages.com/detail/74917285' target='_blank'"
    " style='color:#a7a7a7' rel=\"noopener\">Embed from Getty Images</a><script>window.gie=window.gie||function(c){(gie.q=gie.q||[]).push(c)};"
    "gie(function(){gie.widgets.load({id:'giY-P3UyQ7NgmhoUs69FfA',sig:'YT2w64Yfb4FMFaTkaTuShvk9L9XaUfcRlpKVHQVR2fw=',w:'462px',"
    "h:'370px',items:'74917285',caption: true ,tld:'com',is360: false })});</script>"
    "<script src='//embed-cdn.gettyimages.com/widgets.js' charset='utf-8' async></script>"
)
# Serves existing files, runs the tests' PHP code, and passes everything else to WordPress. PHP's own rules would treat
# /wp-json/oembed/1.0/proxy as a file.
ROUTER = """<?php
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/-/php') { require 'wp-load.php'; wp_set_current_user(1); eval(file_get_contents('php://input')); return true; }
$file = __DIR__ . $path;
if (is_dir($file) && is_file("$file/index.php")) { $_SERVER['SCRIPT_NAME'] = rtrim($path, '/') . '/index.php'; require "$file/index.php"; return true; }
if ($path !== '/' && is_file($file)) { return false; }
$_SERVER['SCRIPT_NAME'] = '/index.php';
require __DIR__ . '/index.php';
"""
# Lets WordPress request oEmbed from this machine, and opens posts with the title "Classic" in the classic editor
MUST_USE_PLUGIN = """<?php
add_filter('http_request_host_is_external', '__return_true');
add_filter('http_allowed_safe_ports', fn ($ports, $host, $url) => [...$ports, parse_url($url, PHP_URL_PORT)], 10, 3);
add_filter('use_block_editor_for_post', fn ($use, $post) => $use && $post->post_title !== 'Classic', 10, 2);
"""
CONFIG = """<?php
define('DB_NAME', 'wordpress'); define('DB_USER', 'root'); define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:{socket}'); define('DB_CHARSET', 'utf8mb4'); define('DB_COLLATE', '');
define('AUTH_KEY', '{key}'); define('SECURE_AUTH_KEY', '{key}'); define('LOGGED_IN_KEY', '{key}'); define('NONCE_KEY', '{key}');
define('WP_SITEURL', '{url}'); define('WP_HOME', '{url}'); define('WP_CONTENT_DIR', __DIR__ . '/wp-content');
define('WP_HTTP_BLOCK_EXTERNAL', true); define('WP_ACCESSIBLE_HOSTS', '127.0.0.1');
define('DISABLE_WP_CRON', true); define('AUTOMATIC_UPDATER_DISABLED', true); define('FS_METHOD', 'direct');
$table_prefix = 'wp_';
if (!defined('ABSPATH')) {{ define('ABSPATH', __DIR__ . '/'); }}
require ABSPATH . 'wp-settings.php';
"""


@dataclass
class WordPress:
    """A running site; ``php`` replaces what an administrator would do on its screens."""

    url: str
    folder: Path

    def php(self, code: str) -> str:
        """Run PHP code in WordPress as the administrator, and return its output."""
        answer = requests.post(f"{self.url}/-/php", data=code.encode(), timeout=120)
        assert answer.status_code == 200, answer.text
        return answer.text

    def publish(self, content: str, user: int = 1, **fields: str) -> int:
        """Create a post and return its ID."""
        values = {"post_title": "A post", "post_status": "publish", "post_content": content} | fields
        return int(self._insert(values, user))

    def update(self, post: int, content: str, user: int = 1) -> None:
        self._insert({"ID": str(post), "post_content": content}, user)

    def _insert(self, values: dict[str, str], user: int) -> str:
        pairs = ",".join(f"'{name}'=>base64_decode('{encoded(value)}')" for name, value in values.items())
        verb = "wp_update_post" if "ID" in values else "wp_insert_post"
        # as in a request by this user, whose permissions decide which HTML is filtered
        return self.php(f"wp_set_current_user({user}); kses_init(); echo {verb}(wp_slash([{pairs}]));")

    def author(self, role: str = "author") -> int:
        """Create a user who may not write scripts, with the password "author", and return the user's ID."""
        new = f"['user_login' => wp_generate_password(8, false), 'user_pass' => 'author', 'role' => '{role}']"
        return int(self.php(f"echo wp_insert_user({new});"))

    def silence_guide(self, user: int) -> None:
        """Turn off the block editor's welcome guide."""
        preferences = "['core/edit-post' => ['welcomeGuide' => false], '_modified' => date('c')]"
        self.php(f"update_user_meta({user}, 'wp_persisted_preferences', {preferences});")

    def revisions(self, post: int) -> list[str]:
        """Return the texts of a post's revisions, the newest first."""
        found = self.php(
            f"echo json_encode(array_column(array_values(wp_get_post_revisions({post})), 'post_content'));"
        )
        return list(json.loads(found))

    def option(self, name: str) -> str:
        return self.php(f"echo get_option('{name}');")

    def set(self, name: str, value: str) -> None:
        """Change one of the plugin's settings, and reset its memory of an outage."""
        self.php(f"update_option('{name}', '{value}'); delete_transient('embedkit_down');")

    def read(self, post: int, query: str = "") -> str:
        """Return the page of a post, as a reader gets it."""
        return self.get(f"/?p={post}{query}")

    def get(self, path: str) -> str:
        """Return a page of the site, as a reader gets it."""
        answer = requests.get(self.url + path, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.text

    def saved(self, post: int) -> str:
        """Return the text of a post as stored in the database."""
        return self.php(f"echo get_post({post})->post_content;")

    def cron(self) -> None:
        """Make the plugin's scheduled events due, and run them as WordPress does."""
        self.php(
            "foreach (_get_cron_array() as $time => $hooks) { foreach ($hooks['embedkit_refresh'] ?? [] as $event) {"
            "wp_unschedule_event($time, 'embedkit_refresh', $event['args']);"
            "wp_schedule_single_event(time() - 1, 'embedkit_refresh', $event['args']); } }"
        )
        requests.get(f"{self.url}/wp-cron.php?doing_wp_cron", timeout=120)

    def age(self, seconds: int) -> None:
        """Make every stored rendering older, and reset the plugin's memory of an outage."""
        self.php(
            "foreach ($GLOBALS['wpdb']->get_results(\"SELECT * FROM wp_postmeta WHERE meta_key LIKE '\\_embedkit%' AND meta_value LIKE 'a:%'\") as $row) {"
            f"$all = unserialize($row->meta_value); foreach ($all as &$one) {{ $one['time'] -= {seconds}; $one['until'] -= {seconds}; }}"
            "update_post_meta($row->post_id, $row->meta_key, wp_slash($all)); } delete_transient('embedkit_down');"
        )


def encoded(text: str) -> str:
    """Encode a text, so that it needs no quoting in PHP code."""
    return base64.b64encode(text.encode()).decode()


def add_newest_editor(site: WordPress, source: Path) -> None:
    """Add the block editor from npm, in addition to the site's own, for browsers with the cookie "newest".

    :param source: the folder with its ``package-lock.json``.
    """
    packages, editor = node_packages(source), site.folder / "newest" / "editor.js"
    build = [need("npm"), "run", "build", "--", f"--outfile={editor}"]
    done = subprocess.run(build, cwd=packages, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    editor.with_name("packages").symlink_to(packages / "node_modules" / "@wordpress")  # their stylesheets
    shutil.copy(packages / "newest.php", site.folder / "wp-content" / "mu-plugins")


@contextmanager
def wordpress(folder: Path) -> Iterator[WordPress]:
    """Run a new site with the plugin activated.

    :param folder: an empty folder for its files and its database.
    """
    need(str(SOURCE))
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with ExitStack() as stack:
        database = stack.enter_context(_mariadb(folder / "database"))
        site = folder / "site"
        shutil.copytree(SOURCE, site, ignore=shutil.ignore_patterns("wp-config.php", "languages"))
        shutil.copytree(EXAMPLES / "wordpress" / "embedkit", site / "wp-content" / "plugins" / "embedkit")
        site.joinpath("wp-content", "uploads").mkdir(exist_ok=True)
        site.joinpath("wp-config.php").write_text(CONFIG.format(socket=database, key=secrets.token_hex(), url=url))
        site.joinpath("router.php").write_text(ROUTER)
        site.joinpath("wp-content", "mu-plugins").mkdir()
        site.joinpath("wp-content", "mu-plugins", "tests.php").write_text(MUST_USE_PLUGIN)
        stack.enter_context(_php(site, url))
        _install(url)
        found = WordPress(url, site)
        found.php("require_once 'wp-admin/includes/plugin.php'; activate_plugin('embedkit/embedkit.php');")
        yield found


@contextmanager
def _mariadb(folder: Path) -> Iterator[Path]:
    path = folder / "socket"
    install = [need("mariadb-install-db"), f"--datadir={folder}", "--auth-root-authentication-method=normal"]
    me = f"--user={os.environ.get('USER') or 'root'}"
    made = subprocess.run([*install, me, "--skip-test-db"], capture_output=True, text=True, timeout=120)
    assert made.returncode == 0, made.stdout + made.stderr
    options = [f"--datadir={folder}", f"--socket={path}", "--skip-networking", "--innodb-flush-method=fsync", me]
    with _process([need("mariadbd"), "--no-defaults", *options], folder.parent / "mariadb.log"):
        client = [
            need("mariadb"),
            "--no-defaults",
            "-uroot",
            f"--socket={path}",
            "-e",
            "CREATE DATABASE wordpress",
        ]
        _until(lambda: path.exists() and subprocess.run(client, capture_output=True).returncode == 0)
        yield path


@contextmanager
def _php(site: Path, url: str) -> Iterator[None]:
    command = [
        need("php"),
        "-d",
        "opcache.enable_cli=1",
        "-S",
        url.removeprefix("http://"),
        "-t",
        str(site),
        str(site / "router.php"),
    ]
    with _process(command, site.parent / "php.log", PHP_CLI_SERVER_WORKERS="4"):
        _until(lambda: _listens(url))
        yield


@contextmanager
def _process(command: list[str], log: Path, **environ: str) -> Iterator[None]:
    """Run a server in its own process group, since PHP's workers outlive their parent."""
    env = {**os.environ, **environ}
    with (
        log.open("w") as out,
        subprocess.Popen(command, env=env, stdout=out, stderr=out, start_new_session=True) as process,
    ):
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=START_S)


def _install(url: str) -> None:
    """Submit the last step of WordPress's installer."""
    form = {
        "weblog_title": "A site",
        "user_name": "admin",
        "admin_password": "admin",
        "admin_password2": "admin",
        "pw_weak": "1",
        "admin_email": "admin@example.org",
        "blog_public": "0",
        "language": "",
    }
    answer = requests.post(f"{url}/wp-admin/install.php?step=2", data=form, timeout=120)
    assert "Success!" in answer.text, re.sub("<[^>]+>", " ", answer.text)[-2000:]


def _listens(url: str) -> bool:
    try:
        return requests.get(f"{url}/wp-admin/install.php", timeout=60).status_code == 200
    except requests.ConnectionError:
        return False


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_S
    while not condition():
        assert time.monotonic() < deadline, "a server did not start"
        time.sleep(0.05)

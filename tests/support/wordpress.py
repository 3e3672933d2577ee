"""A WordPress of Debian's packages with our plugin, as its README installs it, over MariaDB and PHP's own server."""

from __future__ import annotations

import base64
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
from tests.support.tools import need

SOURCE = Path("/usr/share/wordpress")
START_S = 60
# What exists is a file, all else is WordPress's: without it /wp-json/oembed/1.0/proxy would be taken for a file
ROUTER = """<?php
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$file = __DIR__ . $path;
if (is_dir($file) && is_file("$file/index.php")) { $_SERVER['SCRIPT_NAME'] = rtrim($path, '/') . '/index.php'; require "$file/index.php"; return true; }
if ($path !== '/' && is_file($file)) { return false; }
$_SERVER['SCRIPT_NAME'] = '/index.php';
require __DIR__ . '/index.php';
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
    """A site that runs; ``php`` does what a person would do in its screens."""

    url: str
    folder: Path

    def php(self, code: str) -> str:
        """What a program in WordPress prints, as the administrator."""
        begin = "$_SERVER += ['HTTP_HOST' => parse_url('%s', PHP_URL_HOST), 'SERVER_PROTOCOL' => 'HTTP/1.1', 'REQUEST_METHOD' => 'GET'];"
        program = begin % self.url + "require 'wp-load.php'; wp_set_current_user(1);" + code
        done = subprocess.run(["php", "-r", program], cwd=self.folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def publish(self, content: str, **fields: str) -> int:
        """The ID of a new post."""
        values = {"post_title": "A post", "post_status": "publish", "post_content": content} | fields
        pairs = ",".join(f"'{name}'=>base64_decode('{_base64(value)}')" for name, value in values.items())
        return int(self.php(f"echo wp_insert_post(wp_slash([{pairs}]));"))

    def set(self, name: str, value: str) -> None:
        """One of the plugin's settings; what is remembered of an outage is forgotten."""
        self.php(f"update_option('{name}', '{value}'); delete_transient('embedkit_down');")

    def read(self, post: int, query: str = "") -> str:
        """The page of a post, as a reader gets it."""
        answer = requests.get(f"{self.url}/?p={post}{query}", timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.text

    def age(self, seconds: int) -> None:
        """Let every kept rendering be older."""
        self.php(
            "foreach ($GLOBALS['wpdb']->get_results(\"SELECT * FROM wp_postmeta WHERE meta_key LIKE '\\_embedkit%'\") as $row) {"
            f"$value = unserialize($row->meta_value); $value['time'] -= {seconds};"
            "update_post_meta($row->post_id, $row->meta_key, wp_slash($value)); }"
        )


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@contextmanager
def wordpress(folder: Path) -> Iterator[WordPress]:
    """A new site with the plugin switched on.

    :param folder: an empty one, for its files and its database.
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
    subprocess.run([*install, me, "--skip-test-db"], check=True, capture_output=True, timeout=120)
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
    command = [need("php"), "-S", url.removeprefix("http://"), "-t", str(site), str(site / "router.php")]
    with _process(command, site.parent / "php.log", PHP_CLI_SERVER_WORKERS="4"):
        _until(lambda: _listens(url))
        yield


@contextmanager
def _process(command: list[str], log: Path, **environ: str) -> Iterator[None]:
    """A server in a group of its own, since PHP's workers outlive it."""
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
    """The last step of WordPress's own installation."""
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


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_S
    while not holds():
        assert time.monotonic() < deadline, "a server did not start"
        time.sleep(0.05)

"""gunicorn with bounds:  gunicorn --config gunicorn.conf.py 'embedkit.web:create_app()'

Put a proxy in front (nginx.conf): gunicorn has no bound for a client that sends one byte now and then, and each of
these takes a thread.

For METRICS, PROMETHEUS_MULTIPROC_DIR names a folder with a few files for each worker. It is emptied at every
start, since counts begin at nought then; give the service one of its own, such as /run/embedkit/metrics.
"""

import os
from pathlib import Path

bind = "0.0.0.0:8080"
worker_class = "gthread"  # threads, since the work is waiting
workers = 2
threads = 32  # at the most, in each worker; a quarter is kept free of requests that wait for Getty
worker_tmp_dir = "/dev/shm"  # the heartbeat, in memory: a slow disk must not kill a worker

worker_connections = 500  # at once, in each worker; below the 1,024 descriptors that a process usually has
keepalive = 5  # seconds that a silent connection is kept after an answer
timeout = 30  # seconds after which a worker that does nothing at all is replaced
graceful_timeout = 8  # seconds for what is in flight when it is told to stop: TIMEOUT and some more

limit_request_line = 8190  # bytes; the service takes queries of 4 KiB
limit_request_fields = 64
limit_request_field_size = 8190
forwarder_headers = "FORWARDER-HEADERS-ARE-NOT-USED"  # no client names the path that the service is mounted at
control_socket_disable = True  # nobody steers it but by signals

FOLDER = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")


def on_starting(server):  # noqa: ARG001  (gunicorn's signature)
    """Begin with an empty folder."""
    if FOLDER:
        Path(FOLDER).mkdir(parents=True, exist_ok=True)
        for path in Path(FOLDER).glob("*.db"):
            path.unlink()


def post_worker_init(worker):
    """Look at Getty's feed of asset changes, where CHANGE_FEED is on.

    And keep threads for the health check and for what is warm, however slow Getty is.
    """
    from embedkit.web import three_in_four, watch_changes

    watch_changes(worker.wsgi)
    worker.wsgi = three_in_four(worker.wsgi, worker.cfg.threads)


def child_exit(server, worker):  # noqa: ARG001  (gunicorn's signature)
    """What a worker counted stays; its states go with it."""
    if FOLDER:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)

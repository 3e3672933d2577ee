"""gunicorn with limits:  gunicorn --config gunicorn.conf.py 'embedkit.web:create_app()'

Put a proxy in front (nginx.conf): gunicorn has no limit for clients that send one byte now and then, and each of
them occupies a thread.

For METRICS, PROMETHEUS_MULTIPROC_DIR is a folder with a few files for each worker. It is emptied at every start,
because counts begin at zero then; give the service a folder of its own, such as /run/embedkit/metrics.
"""

import os
from pathlib import Path

bind = "0.0.0.0:8080"
worker_class = "gthread"  # threads, because most of the work is waiting
workers = 2
threads = 32  # at most, in each worker; requests that wait for Getty use three quarters of them
worker_tmp_dir = "/dev/shm"  # keep the heartbeat in memory, so that a slow disk can't kill a worker

worker_connections = 500  # concurrent, in each worker; below the usual limit of 1,024 file descriptors
keepalive = 5  # seconds that an idle connection is kept open after a response
timeout = 30  # seconds after which an unresponsive worker is replaced
graceful_timeout = 8  # seconds for requests in flight after SIGTERM: TIMEOUT and a little more

limit_request_line = 8190  # bytes; the service takes queries of 4 KiB
limit_request_fields = 64
limit_request_field_size = 8190
forwarder_headers = "FORWARDER-HEADERS-ARE-NOT-USED"  # clients can't set the path that the service is mounted at
control_socket_disable = True  # controlled only by signals

FOLDER = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")


def on_starting(server):  # noqa: ARG001  (gunicorn's signature)
    """Start with an empty metrics folder."""
    if FOLDER:
        Path(FOLDER).mkdir(parents=True, exist_ok=True)
        for path in Path(FOLDER).glob("*.db"):
            path.unlink()


def post_worker_init(worker):
    """Poll Getty's feed of asset changes, if CHANGE_FEED is on.

    Also keep threads free for the health check and cached pictures, however slow Getty is.
    """
    from embedkit.web import three_in_four, watch_changes

    watch_changes(worker.wsgi)
    worker.wsgi = three_in_four(worker.wsgi, worker.cfg.threads)


def child_exit(server, worker):  # noqa: ARG001  (gunicorn's signature)
    """Keep the counts of a worker that has ended, and drop its states."""
    if FOLDER:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)

"""A whole OpenStack Swift with its S3 API in one process; a program for the Python of `.venv-swift`, never imported.

`python -I swift_node.py FOLDER KEY SECRET` keeps everything below FOLDER, a new one, prints the address of the
S3 API once all servers accept requests, and ends with its standard input, hence with whoever started it; then it
removes FOLDER.
"""

import os
import shutil
import socket
import sys
import traceback
from pathlib import Path
from typing import Final

import eventlet
from eventlet import wsgi
from eventlet.hubs import trampoline
from swift.common import utils
from swift.common.constraints import MAX_REQUEST_LINE
from swift.common.http_protocol import SwiftHttpProtocol
from swift.common.ring import RingBuilder
from swift.common.utils.logs import NullLogger, get_swift_logger
from swift.common.wsgi import loadapp

_BACKENDS: Final = ("account", "container", "object")
_FILTERS: Final = ("catch_errors", "gatekeeper", "s3api", "tempauth", "slo", "dlo", "symlink", "versioned_writes")
# One disk and one replica: nothing to balance, so the smallest ring will do.
_PART_POWER: Final = 2


def main(folder: Path, access_key: str, secret_key: str) -> None:
    """Serve until standard input ends, then remove the data."""
    (folder / "devices" / "disk").mkdir(parents=True)
    (folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = one-node\n")
    utils.set_swift_dir(str(folder))
    utils.monkey_patch()
    get_swift_logger.console_handler4logger = {}  # Swift logs to syslog, and to the console only when this is set
    for name in _BACKENDS:
        listener = eventlet.listen(("127.0.0.1", 0))
        _write_ring(folder, name, listener.getsockname()[1])
        _serve(name, listener, _write_backend(folder, name))
    listener = eventlet.listen(("127.0.0.1", 0))
    _serve("proxy", listener, _write_proxy(folder, access_key, secret_key))
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    trampoline(sys.stdin.fileno(), read=True)
    shutil.rmtree(folder, ignore_errors=True)


def _write_ring(folder: Path, name: str, port: int) -> None:
    builder = RingBuilder(_PART_POWER, replicas=1, min_part_hours=0)
    builder.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "disk", "weight": 1})
    builder.rebalance()
    builder.get_ring().save(str(folder / f"{name}.ring.gz"))


def _defaults(folder: Path) -> dict[str, str]:
    return {
        "swift_dir": str(folder),
        "devices": str(folder / "devices"),
        "mount_check": "false",
        "log_level": "ERROR",
        "log_udp_host": "127.0.0.1",  # the discard port: what the tests provoke is not for the machine's syslog
        "log_udp_port": "9",
    }


def _write_backend(folder: Path, name: str) -> Path:
    sections = {
        "DEFAULT": _defaults(folder),
        "pipeline:main": {"pipeline": f"{name}-server"},
        f"app:{name}-server": {"use": f"egg:swift#{name}"},
    }
    return _write(folder / f"{name}-server.conf", sections)


def _write_proxy(folder: Path, access_key: str, secret_key: str) -> Path:
    sections = {
        "DEFAULT": _defaults(folder),
        "pipeline:main": {"pipeline": " ".join((*_FILTERS, "proxy-server"))},
        "app:proxy-server": {"use": "egg:swift#proxy", "account_autocreate": "true"},
    }
    for name in _FILTERS:
        sections[f"filter:{name}"] = {"use": f"egg:swift#{name}"}
    account, _, user = access_key.partition(":")
    sections["filter:tempauth"][f"user_{account}_{user}"] = f"{secret_key} .admin"
    sections["filter:s3api"]["max_bucket_listing"] = "10"  # small pages: a test's few objects take several
    sections["filter:versioned_writes"]["allow_versioned_writes"] = "true"
    return _write(folder / "proxy-server.conf", sections)


def _write(path: Path, sections: dict[str, dict[str, str]]) -> Path:
    lines = [
        f"[{section}]\n" + "".join(f"{name} = {value}\n" for name, value in options.items())
        for section, options in sections.items()
    ]
    path.write_text("\n".join(lines))
    return path


def _serve(name: str, listener: socket.socket, configuration: Path) -> None:
    """Serve in the background; a server that ends takes the whole process along."""
    application = loadapp(str(configuration), global_conf={"log_name": name})

    def serve() -> None:
        try:
            wsgi.server(
                listener,
                application,
                NullLogger(),
                protocol=SwiftHttpProtocol,
                capitalize_response_headers=False,  # boto looks for `ETag`, not for `Etag`
                url_length_limit=MAX_REQUEST_LINE,
            )
        except BaseException:
            traceback.print_exc()
        os._exit(1)

    eventlet.spawn(serve)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])

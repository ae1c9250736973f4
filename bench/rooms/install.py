"""Fetch the peers that no Python package brings into .renderowl/bench/peers: Node's `ws`, and nginx with nchan.

Nothing is installed on the machine: Debian's packages are unpacked beside each other, which needs no root. What cannot
be had is left out, and the figures say that it was not measured.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from peers import INSTALLED

_DEBIAN: Final = ("nginx", "libnginx-mod-nchan")


def fetch_node_packages() -> None:
    """`ws` and `redis` in the versions of peers/package.json."""
    shutil.copy(Path(__file__).parent / "peers" / "package.json", INSTALLED)
    subprocess.run(
        ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"], cwd=INSTALLED, check=True
    )


def fetch_nginx() -> None:
    """nginx and nchan from Debian's packages."""
    subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "true"], check=True)  # peers.py runs it so
    folder = INSTALLED / "packages"
    folder.mkdir(exist_ok=True)
    subprocess.run(["apt-get", "download", "-qq", *_DEBIAN], cwd=folder, check=True)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(package), str(INSTALLED / "nginx")], check=True)


def main() -> None:
    """Fetch what is missing."""
    INSTALLED.mkdir(parents=True, exist_ok=True)
    wanted = {
        "Node's ws": (INSTALLED / "node_modules" / "ws", fetch_node_packages),
        "nchan": (INSTALLED / "nginx" / "usr" / "sbin" / "nginx", fetch_nginx),
    }
    for name, (place, fetch) in wanted.items():
        if place.exists():
            continue
        print(f"- fetching {name}", flush=True)
        try:
            fetch()
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"  {name} will not be measured: {error}")


if __name__ == "__main__":
    main()

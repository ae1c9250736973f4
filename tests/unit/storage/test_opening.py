"""One URL decides where objects are kept, and a wrong one says what is wrong with it."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from renderowl.storage.local import LocalStorage
from renderowl.storage.opening import open_storage

SECRET = b"k" * 32


def _open(url: str):
    return open_storage(url, base_url="http://api", secrets=[SECRET], access_key="key", secret_key="secret")


async def _address(url: str) -> httpx.URL:
    """Where the storage of a URL keeps the object `a`, with what it signed."""
    storage = _open(url)
    signed = await storage.sign_put("a", ttl_s=60, content_type="video/mp4", size_bytes=1)
    await storage.close()
    return httpx.URL(signed.url)


async def test_a_file_url_is_a_folder_whose_urls_are_the_apis(tmp_path: Path):
    folder = tmp_path / "with a space"
    storage = _open(f"file://{str(folder).replace(' ', '%20')}")
    assert isinstance(storage, LocalStorage)
    assert not folder.exists()  # nothing is touched before the first use
    await storage.put_bytes("a", b"a", content_type="text/plain")
    assert (folder / "objects" / "a").exists()
    assert (await storage.sign_get("a", ttl_s=60)).url.startswith("http://api/storage/a?")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("s3://bucket", "https://bucket.s3.amazonaws.com/a"),
        ("s3://bucket/", "https://bucket.s3.amazonaws.com/a"),
        ("s3://bucket?region=eu-central-1", "https://bucket.s3.eu-central-1.amazonaws.com/a"),
        ("s3://bucket/pre/fix", "https://bucket.s3.amazonaws.com/pre/fix/a"),
        ("s3://bucket/pre%20fix/", "https://bucket.s3.amazonaws.com/pre%20fix/a"),
        ("s3://bucket?addressing=path", "https://s3.amazonaws.com/bucket/a"),
        ("s3://bucket?endpoint_url=http://s3:8333", "http://s3:8333/bucket/a"),
        ("s3://bucket/p?endpoint_url=https://x.example.org&region=auto", "https://x.example.org/bucket/p/a"),
        ("s3://bucket?endpoint_url=https%3A%2F%2Fx.example.org&addressing=virtual", "https://bucket.x.example.org/a"),
    ],
)
async def test_an_s3_url_is_a_bucket_a_prefix_and_how_to_reach_them(url: str, address: str):
    signed = await _address(url)
    assert str(signed.copy_with(query=None)) == address


async def test_the_region_and_the_key_are_those_that_sign():
    assert "/us-east-1/s3/" in (await _address("s3://bucket")).params["X-Amz-Credential"]
    credential = (await _address("s3://bucket?endpoint_url=https://x.example.org&region=auto")).params[
        "X-Amz-Credential"
    ]
    assert credential.startswith("key/")
    assert credential.endswith("/auto/s3/aws4_request")


async def test_an_upload_is_bound_to_host_type_and_length():
    signed = await _address("s3://bucket?endpoint_url=https://x.example.org")
    assert signed.params["X-Amz-SignedHeaders"] == "content-length;content-type;host"
    assert signed.params["X-Amz-Expires"] == "60"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "a storage URL is"),
        ("/var/media", "a storage URL is"),
        ("https://bucket.s3.amazonaws.com", "a storage URL is"),
        ("file://relative/path", "three slashes"),
        ("file:///", "three slashes"),
        ("file:///media?region=x", "nothing behind the path"),
        ("file:///media#a", "no fragment"),
        ("s3://", "s3://bucket/prefix"),
        ("s3:///prefix", "s3://bucket/prefix"),
        ("s3://key:secret@bucket", "keys are settings"),
        ("s3://bucket:8333", "s3://bucket/prefix"),
        ("s3://bucket?endpoint=http://x", "not endpoint"),
        ("s3://bucket?endpoint_url=x.example.org", "http:// or https://"),
        ("s3://bucket?endpoint_url=", "http:// or https://"),
        ("s3://bucket?addressing=host", "path or virtual"),
    ],
)
def test_any_other_url_is_refused_saying_why(url: str, said: str):
    with pytest.raises(ValueError, match=said):
        _open(url)


def test_local_storage_does_not_load_boto():
    program = (
        "import sys\n"
        "from renderowl.storage.opening import open_storage\n"
        "open_storage('file:///nowhere', base_url='', secrets=[b'k' * 32])\n"
        "sys.exit('botocore' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

"""An S3 service in this process, by moto, and buckets on any S3 service."""

import contextlib
from collections.abc import Iterator

import boto3
from moto.server import ThreadedMotoServer


@contextlib.contextmanager
def moto_s3() -> Iterator[str]:
    """The URL of a service that takes any credentials, gone at the end of the block."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def make_bucket(
    url: str, name: str, *, access_key: str = "key", secret_key: str = "secret", region: str = "us-east-1"
) -> None:
    """Make a bucket on the service at this URL."""
    keys = {"aws_access_key_id": access_key, "aws_secret_access_key": secret_key, "region_name": region}
    boto3.client("s3", endpoint_url=url, **keys).create_bucket(Bucket=name)

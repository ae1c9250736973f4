"""What fault tests have in common."""

from collections.abc import Iterator

import pytest

from renderowl.testing.moto_s3 import moto_s3
from renderowl.testing.strict_s3 import StrictS3


@pytest.fixture(scope="module", params=["moto", pytest.param("swift", marks=pytest.mark.swift)])
def store_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An S3 service that takes the strict one's credentials; `make test-s3` has the strict one too."""
    if request.param == "swift":
        with StrictS3() as swift:
            yield swift.url
        return
    with moto_s3() as url:
        yield url

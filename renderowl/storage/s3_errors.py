"""What an S3 service's errors mean to us."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiohttp import ClientError as BrokenTransfer
from botocore.exceptions import BotoCoreError, ClientError

from renderowl.domain.errors import Unavailable
from renderowl.storage.base import ObjectMissing

MISSING: Final = {"404", "NoSuchKey", "NoSuchUpload", "NotFound"}
_WRONG_PART: Final = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "MalformedXML", "InvalidRequest"}
_PASSING: Final = {"SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "RequestLimitExceeded"}


@contextmanager
def s3_errors(key: str) -> Iterator[None]:
    """Raise ObjectMissing, ValueError (a wrong part), Unavailable (try again later) or OSError instead of theirs."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in MISSING:
            raise ObjectMissing(key) from None
        if code in _WRONG_PART:
            raise ValueError(f"{key}: {code}") from None
        # 412: the object was replaced while it was being read.
        if status >= 500 or status in (412, 429) or code in _PASSING:
            raise Unavailable(f"The storage answers {code or status}") from error
        raise OSError(f"{key}: the storage answers {code or status}") from error
    except (BotoCoreError, BrokenTransfer) as error:  # connections, timeouts, credentials
        raise Unavailable("The storage cannot be reached") from error

"""Signatures of outgoing webhooks."""

import base64

from renderowl.security.standard_webhooks import SECRET_PREFIX, headers, told_secret


def test_the_specifications_vector_is_met() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert told_secret(key) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert headers([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}') == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_two_secrets_sign_side_by_side() -> None:
    alone = [headers([key], "m", 1, b"b")["webhook-signature"] for key in (b"new", b"old")]
    assert headers([b"new", b"old"], "m", 1, b"b")["webhook-signature"] == " ".join(alone)
    assert told_secret(b"new").startswith(SECRET_PREFIX)

"""Signatures as the Standard Webhooks specification has them."""

import base64
import hashlib
import hmac

import pytest

from trueup.model.errors import ConfigError
from trueup.webhooks.sign import signed_headers, signing_key

# the example of the specification's own libraries
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'
TIMESTAMP_S = 1614265330
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_specification_s_example() -> None:
    headers = signed_headers(signing_key(SECRET, "here"), MESSAGE_ID, TIMESTAMP_S, BODY)
    assert headers == {
        "webhook-id": MESSAGE_ID,
        "webhook-timestamp": str(TIMESTAMP_S),
        "webhook-signature": SIGNATURE,
    }


def test_a_plain_secret_is_its_own_key() -> None:
    plain = "a secret of more than 16 characters"
    mac = hmac.new(plain.encode(), b"id-1.7.body", hashlib.sha256).digest()
    signature = signed_headers(signing_key(plain, "here"), "id-1", 7, b"body")["webhook-signature"]
    assert signature == f"v1,{base64.b64encode(mac).decode()}"


@pytest.mark.parametrize("secret", ["short-and-secret", "whsec_AAAA", "whsec_!!!!"])
def test_what_is_no_secret_is_refused_and_never_shown(secret: str) -> None:
    with pytest.raises(ConfigError) as refused:
        signing_key(secret[:15] if secret.startswith("short") else secret, "alerts.to.hook.secret")
    assert secret[:12].removeprefix("whsec_") not in str(refused.value)
    assert "alerts.to.hook.secret" in str(refused.value)

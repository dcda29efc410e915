"""How a webhook is signed: as the Standard Webhooks specification has it (standardwebhooks.com), so that receivers may
use its libraries: HMAC-SHA256 over id, timestamp and body.

A receiver verifies the signature, refuses a timestamp that is old, and remembers the id.
"""

import base64
import binascii
import hashlib
import hmac

from trueup.model.errors import ConfigError

ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER = "webhook-id", "webhook-timestamp", "webhook-signature"
ENCODED = "whsec_"  # before a secret that is written in base64
SECRET_BYTES_MIN = 16


def signing_key(secret: str, place: str) -> bytes:
    """The key that a secret stands for. Raises ConfigError, which never holds it."""
    try:
        encoded = secret.removeprefix(ENCODED)
        key = base64.b64decode(encoded, validate=True) if encoded != secret else secret.encode()
    except binascii.Error:
        raise ConfigError(f"{place}: after {ENCODED} a secret is base64") from None
    if len(key) < SECRET_BYTES_MIN:
        raise ConfigError(
            f"{place}: shorter than {SECRET_BYTES_MIN} bytes; `openssl rand -base64 24` makes a longer one"
        )
    return key


def signed_headers(key: bytes, message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt."""
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    mac = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {ID_HEADER: message_id, TIMESTAMP_HEADER: str(timestamp_s), SIGNATURE_HEADER: f"v1,{mac}"}

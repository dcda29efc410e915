"""Data as JSON, whatever page or probe answers it: text of a venue or a person is made harmless, as everywhere."""

import msgspec
from starlette.responses import Response

from trueup.model.harmless import harmless_json


def json_answer(value: object, status: int = 200) -> Response:
    body = harmless_json(msgspec.json.encode(value, enc_hook=str).decode())
    return Response(body, status, media_type="application/json")

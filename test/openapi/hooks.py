"""What Schemathesis cannot guess: ids that are there, models that are served, a picture that can be read.

Every second case has them, so that answers that succeed are held against the description, and not refusals alone.
"""

import json
import os
import zlib

import schemathesis

FACTS = json.loads(os.environ["OPENAPI_FACTS"])


def is_second(value):
    """By what was generated, so that the same seed asks for the same."""
    return zlib.crc32(repr(value).encode()) % 2 == 0


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    ids = FACTS["ids"].get(context.operation.path.removeprefix("/v1"))
    if not path_parameters or not ids or not is_second(path_parameters):
        return path_parameters
    return {**path_parameters, **{name: ids[zlib.crc32(repr(path_parameters).encode()) % len(ids)] for name in path_parameters}}


@schemathesis.hook
def map_body(context, body):
    if not isinstance(body, dict) or not is_second(body):
        return body
    body = dict(body)
    path = context.operation.path
    if "model" in body:
        body["model"] = "default"
    if isinstance(body.get("ocr"), dict):
        # What names pages, tasks or fields at random names none that are there.
        body["ocr"] = {name: value for name, value in body["ocr"].items() if name not in ("pages", "task", "fields")}
    if path == "/v1/chat/completions" and "messages" in body:
        body["messages"] = FACTS["messages"]
        body.pop("n", None)
    if path == "/v1/responses" and "input" in body:
        body["input"] = FACTS["input"]
        body.pop("previous_response_id", None)
    if path in ("/v1/ocr", "/ocr") and "document" in body:
        body = {**body, "document": FACTS["document"], "pages": None}
        body.pop("image_limit", None)
    if "input_file_id" in body:
        body.update(input_file_id=FACTS["batchFile"], completion_window="24h")
    if "part_ids" in body:
        body.update(part_ids=FACTS["parts"], md5=None)
    return body

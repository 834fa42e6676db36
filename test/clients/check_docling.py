"""What docling's pipeline asks for each page, with its own code; the pipeline itself needs torch to be imported."""

import os

from docling.utils.api_image_request import api_image_request, api_image_request_streaming
from PIL import Image

url = os.environ["GATEWAY_URL"] + "/v1/chat/completions"
headers = {"Authorization": "Bearer " + os.environ["GATEWAY_KEY"]}
page = Image.open("photo.png").convert("RGBA")

answer = api_image_request(page, "", url, timeout=60, headers=headers, model="default", temperature=0, max_tokens=4096)
assert "This is page 1." in answer.text and answer.error is None, answer
assert answer.stop_reason.value == "end_of_sequence" and answer.usage["total_tokens"] > 0, answer

answer = api_image_request_streaming(page, "Convert.", url, timeout=60, headers=headers, model="default")
assert "This is page 1." in answer.text and answer.error is None, answer

print("ok")

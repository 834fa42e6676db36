"""LiteLLM: its own spelling of a PDF, streams, errors, and Mistral's OCR with a picture and with bytes."""

import base64
import os

import litellm

there = {"api_base": os.environ["GATEWAY_URL"] + "/v1", "api_key": os.environ["GATEWAY_KEY"], "num_retries": 0}
pdf = base64.b64encode(open("scan.pdf", "rb").read()).decode()
png = base64.b64encode(open("photo.png", "rb").read()).decode()
url = f"data:application/pdf;base64,{pdf}"


def asking(part):
    return {"messages": [{"role": "user", "content": [part]}], **there}


for model in ["openai/default", "hosted_vllm/default"]:
    answer = litellm.completion(model=model, **asking({"type": "file", "file": {"file_id": url}}))
    assert "This is page 2." in answer.choices[0].message.content, answer
    chunks = litellm.completion(model=model, stream=True, **asking({"type": "file", "file": {"file_data": url}}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert "This is page 2." in text, text

try:
    litellm.completion(model="openai/gpt", **asking({"type": "file", "file": {"file_data": url}}))
    raise SystemExit("no error")
except litellm.NotFoundError as raised:
    assert "gpt" in str(raised)

picture = {"type": "image_url", "image_url": f"data:image/png;base64,{png}"}
answer = litellm.ocr(model="mistral/any-name", document=picture, **there)
assert "This is page 1." in answer.pages[0].markdown
both = {"type": "document_url", "document_url": url}
answer = litellm.ocr(model="mistral/any-name", document=both, pages=[1], include_image_base64=True, **there)
assert [page.index for page in answer.pages] == [1]
assert answer.usage_info.pages_processed == 1

print("ok")

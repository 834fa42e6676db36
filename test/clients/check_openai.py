"""What openai-python does beside docs/clients.md: lists, errors, its stream helper, failures in the middle of a stream."""

import base64
import os

import openai

client = openai.OpenAI(base_url=os.environ["GATEWAY_URL"] + "/v1/", api_key=os.environ["GATEWAY_KEY"], max_retries=0)


def part(name, media_type="application/pdf"):
    data = base64.b64encode(open(name, "rb").read()).decode()
    return {"type": "file", "file": {"filename": name, "file_data": f"data:{media_type};base64,{data}"}}


def asking(*parts):
    return {"model": "default", "messages": [{"role": "user", "content": list(parts)}]}


assert [model.id for model in client.models.list()][-1] == "default"
assert client.models.retrieve("tencent/HunyuanOCR").id == "tencent/HunyuanOCR"

completion = client.chat.completions.create(**asking(part("scan.pdf"), part("photo.png", "image/png")))
assert completion.choices[0].message.content.count("This is page") == 3
assert completion.usage.total_tokens > 0
assert [page["status"] for page in completion.ocr["pages"]] == ["ok"] * 3

with client.chat.completions.stream(**asking(part("scan.pdf"))) as stream:
    deltas = [event.delta for event in stream if event.type == "content.delta"]
    final = stream.get_final_completion()
assert "".join(deltas) == final.choices[0].message.content

for error, code, ask in [
    (openai.NotFoundError, "model_not_found", lambda: client.chat.completions.create(**{**asking(part("scan.pdf")), "model": "gpt"})),
    (openai.BadRequestError, "page_out_of_range", lambda: client.chat.completions.create(**asking(part("scan.pdf")), extra_body={"ocr": {"pages": "9"}})),
    (openai.AuthenticationError, "invalid_api_key", lambda: client.with_options(api_key="other").models.list()),
]:
    try:
        ask()
        raise SystemExit(f"no {error.__name__}")
    except error as raised:
        assert raised.code == code, raised

print("ok")

"""openai-python with files, uploads and responses: its lists end, its polling ends, its errors are raised."""

import os
import time

import openai

client = openai.OpenAI(base_url=os.environ["GATEWAY_URL"] + "/v1", api_key=os.environ["GATEWAY_KEY"], max_retries=0)

names = ["scan.pdf", "Ärger \u4f60\u597d.pdf", "a;b.pdf"]
content = open("scan.pdf", "rb").read()
files = [client.files.create(file=(name, content, "application/pdf"), purpose="user_data") for name in names]
assert [file.filename for file in files] == names, files
assert client.files.wait_for_processing(files[0].id, max_wait_seconds=10).status == "processed"
assert client.files.content(files[1].id).read() == content

listed = [file.id for file in client.files.list(limit=1, purpose="user_data")]
assert listed[: len(files)] == [file.id for file in reversed(files)], listed

upload = client.uploads.upload_file_chunked(
    file="scan.pdf", mime_type="application/pdf", purpose="user_data", part_size=700
)
assert upload.status == "completed" and upload.file.bytes == len(content), upload


def asking(file_id, **more):
    return {"model": "default", "input": [{"role": "user", "content": [{"type": "input_file", "file_id": file_id}]}], **more}


response = client.responses.create(**asking(upload.file.id))
assert response.output_text.count("This is page") == 2 and response.usage.total_tokens > 0

background = client.responses.create(**asking(files[1].id, background=True))
deadline = time.monotonic() + 30
while background.status in ("queued", "in_progress") and time.monotonic() < deadline:
    time.sleep(0.2)
    background = client.responses.retrieve(background.id)
assert background.output_text == response.output_text, background
events = list(client.responses.retrieve(background.id, stream=True, starting_after=1))
assert events[-1].type == "response.completed" and events[0].sequence_number == 2, events
assert len(list(client.responses.input_items.list(background.id))) == 1
client.responses.delete(background.id)

for file in [*files, upload.file]:
    assert client.files.delete(file.id).deleted
for error, code, ask in [
    (openai.NotFoundError, "file_not_found", lambda: client.files.retrieve(files[0].id)),
    (openai.NotFoundError, "file_not_found", lambda: client.responses.create(**asking(files[0].id))),
    (openai.NotFoundError, "response_not_found", lambda: client.responses.retrieve(background.id)),
    (openai.NotFoundError, "file_not_found", lambda: client.responses.create(**asking(files[0].id, stream=True))),
]:
    try:
        ask()
        raise SystemExit(f"no {code}")
    except error as raised:
        assert raised.code == code, raised

print("ok")

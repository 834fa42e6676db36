"""Mistral's SDK for Python: its list of models, pictures, annotations, chats, errors; answers pass its own types."""

import base64
import json
import os

from mistralai.client import Mistral, errors

mistral = Mistral(server_url=os.environ["GATEWAY_URL"], api_key=os.environ["GATEWAY_KEY"])
pdf = base64.b64encode(open("scan.pdf", "rb").read()).decode()
png = base64.b64encode(open("photo.png", "rb").read()).decode()
document = {"type": "document_url", "document_url": f"data:application/pdf;base64,{pdf}"}

models = mistral.models.list().data
assert [model.id for model in models][-1] == "default", models
assert [model.capabilities.ocr for model in models] == [True, True, False, True, True], models

answer = mistral.ocr.process(model="x", document={"type": "image_url", "image_url": f"data:image/png;base64,{png}"})
assert "This is page 1." in answer.pages[0].markdown

schema = {"type": "object", "properties": {"date": {"type": "string"}, "total": {"type": "number"}}}
answer = mistral.ocr.process(
    model="tencent/HunyuanOCR",
    document=document,
    include_image_base64=True,
    table_format="html",
    document_annotation_format={"type": "json_schema", "json_schema": {"name": "invoice", "schema": schema}},
)
assert json.loads(answer.document_annotation) == {"date": "2026-11-27", "total": 7}, answer

chat = {"model": "default", "messages": [{"role": "user", "content": [document]}]}
assert "This is page 2." in str(mistral.chat.complete(**chat).choices[0].message.content)
text = "".join(str(event.data.choices[0].delta.content or "") for event in mistral.chat.stream(**chat))
assert "This is page 2." in text, text

uploaded = mistral.files.upload(file={"file_name": "scan.pdf", "content": open("scan.pdf", "rb")}, purpose="ocr")
assert mistral.files.retrieve(file_id=uploaded.id).deleted is False
assert uploaded.id in [file.id for file in mistral.files.list().data]
assert mistral.files.download(file_id=uploaded.id).read() == open("scan.pdf", "rb").read()
answer = mistral.ocr.process(model="x", document={"type": "file", "file_id": uploaded.id}, extract_header=True)
assert "This is page 2." in answer.pages[1].markdown
assert mistral.files.delete(file_id=uploaded.id).deleted

try:
    mistral.ocr.process(model="x", document=document, pages=[7])
    raise SystemExit("no error")
except errors.SDKError as raised:
    assert "page_out_of_range" in raised.body, raised

print("ok")

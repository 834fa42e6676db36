"""LangChain: every spelling of a file block, pictures, streams without a pause that it gives up at, errors."""

import asyncio
import base64
import os

import openai
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI

model = ChatOpenAI(
    model="default", base_url=os.environ["GATEWAY_URL"] + "/v1", api_key=os.environ["GATEWAY_KEY"], max_retries=0
)
pdf = base64.b64encode(open("scan.pdf", "rb").read()).decode()
png = base64.b64encode(open("photo.png", "rb").read()).decode()
url = f"data:application/pdf;base64,{pdf}"

for block in [
    {"type": "file", "file": {"filename": "scan.pdf", "file_data": url}},
    {"type": "file", "source_type": "base64", "data": pdf, "mime_type": "application/pdf"},
    {"type": "file", "base64": pdf, "mime_type": "application/pdf"},
    {"type": "image", "base64": png, "mime_type": "image/png"},
    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png}"}},
]:
    answer = model.invoke([HumanMessage(content=[block])])
    assert "This is page 1." in answer.text, (block["type"], answer)
    assert answer.usage_metadata["total_tokens"] > 0


async def streamed():
    message = HumanMessage(content=[{"type": "file", "base64": pdf, "mime_type": "application/pdf"}])
    return [chunk.text async for chunk in model.astream([message])]


assert "This is page 2." in "".join(asyncio.run(streamed()))

try:
    broken = base64.b64encode(b"%PDF-1.4").decode()
    model.invoke([HumanMessage(content=[{"type": "file", "base64": broken, "mime_type": "application/pdf"}])])
    raise SystemExit("no error")
except openai.BadRequestError as raised:
    assert raised.code == "document_unreadable", raised

print("ok")

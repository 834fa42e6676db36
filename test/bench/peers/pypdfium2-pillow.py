"""Draws PDFs as OCR pipelines in Python do: pypdfium2, then Pillow. Prints what it took as JSON.

Usage: pypdfium2-pillow.py png|png1|jpeg PASSES MAX_PAGES FILE... (png1: compression level 1)
"""

import io
import json
import resource
import sys
import time

import pypdfium2

LONGEST_EDGE = 1540
SAVING = {
    "png": {"format": "PNG"},
    "png1": {"format": "PNG", "compress_level": 1},
    "jpeg": {"format": "JPEG", "quality": 95},
}


def draw_all(documents, max_pages, saving):
    pages = 0
    for document in documents:
        for index in range(min(len(document), max_pages)):
            page = document[index]
            image = page.render(scale=LONGEST_EDGE / max(page.get_size())).to_pil()
            image.save(io.BytesIO(), **saving)
            pages += 1
    return pages


def main():
    kind, passes, max_pages, *files = sys.argv[1:]
    documents = [pypdfium2.PdfDocument(file) for file in files]
    draw_all(documents, int(max_pages), SAVING[kind])
    wall, cpu, pages = time.perf_counter(), time.process_time(), 0
    for _ in range(int(passes)):
        pages += draw_all(documents, int(max_pages), SAVING[kind])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"pages": pages, "cpuSeconds": cpu, "wallSeconds": wall, "peakMegabytes": peak}))


main()

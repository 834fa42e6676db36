import type { PagePreviewed } from '../ocr/page-event.ts'
import { dataUrl } from '../ocr/page-figures.ts'
import type { PagePreviewObject } from '../wire/openai/ocr-object.ts'

/** Writes the small picture of a page, and what was done to it. */
export function previewObject({ page, preview }: PagePreviewed): PagePreviewObject {
  const { data, width, height, changes, textLayer } = preview
  return {
    page: page.page,
    image: dataUrl({ mediaType: 'image/jpeg', bytes: data }),
    width,
    height,
    changes: changes.map((change) =>
      change.code === 'tiled' ? { ...change, boxes: change.boxes.map(sides) } : change,
    ),
    ...(textLayer === null ? {} : { text_layer: textLayer }),
  }
}

type Tiles = Extract<PagePreviewed['preview']['changes'][number], { readonly code: 'tiled' }>['boxes']

function sides({ left, top, right, bottom }: Tiles[number]): [number, number, number, number] {
  return [left, top, right, bottom]
}

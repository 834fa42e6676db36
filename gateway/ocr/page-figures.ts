import type { PageWarning } from '../page/page.ts'
import type { MarkedImage } from '../profile/marked-images.ts'
import { isOfLayer } from '../read/page-answer.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { dropImages } from './markdown/image-names.ts'
import type { CutFigure, PageResult } from './page-event.ts'

/** Returns the name of a page's picture, counted from 1 in the order of their marks: no other picture of the answer has it. */
export function figureName(page: number, number: number, { mediaType }: Pick<CutFigure, 'mediaType'>): string {
  return `figures/page-${page}-${number}.${mediaType === 'image/png' ? 'png' : 'jpg'}`
}

/** Removes what marks pictures from a page's Markdown, where the request does not want any. */
export function withoutFigures(markdown: string, { figures, model }: Pick<OcrRequest, 'figures' | 'model'>): string {
  if (figures?.marks !== 'drop') return markdown
  const marks = model.profile.findImages?.(markdown) ?? []
  return dropImages(replaced(markdown, marks, ({ name }) => `![](${name})`))
}

/** Puts pictures in the places of their marks, where the request wants that. A mark without a picture stays as it is. */
export function placeFigures(
  markdown: string,
  page: number,
  { figures: cut }: Pick<PageResult, 'figures'>,
  { figures, model }: Pick<OcrRequest, 'figures' | 'model'>,
): string {
  const how = figures?.marks
  if (cut === undefined || (how !== 'reference' && how !== 'embed')) return markdown
  const marks = model.profile.findImages?.(markdown) ?? []
  return replaced(markdown, marks, ({ alt }, index, mark) => {
    const figure = cut[index] ?? null
    if (figure === null) return mark
    return `${figureLink(page, index, alt, figure, how)}${/[ \t]*$/.exec(mark)?.[0] ?? ''}`
  })
}

/** Writes a picture as it stands in the Markdown, with its index among the marks of its page. */
export function figureLink(
  page: number,
  index: number,
  alt: string,
  figure: CutFigure,
  how: 'reference' | 'embed',
): string {
  const target = how === 'reference' ? figureName(page, index + 1, figure) : dataUrl(figure)
  return `![${alt.trim() || `Figure ${index + 1} on page ${page}`}](${target})`
}

function replaced(
  text: string,
  marks: readonly MarkedImage[],
  replacement: (mark: MarkedImage, index: number, text: string) => string,
): string {
  const parts: string[] = []
  let end = 0
  for (const [index, mark] of marks.entries()) {
    parts.push(text.slice(end, mark.start), replacement(mark, index, text.slice(mark.start, mark.end)))
    end = mark.end
  }
  return [...parts, text.slice(end)].join('')
}

/** Writes a picture as an address that holds it. */
export function dataUrl({ mediaType, bytes }: Pick<CutFigure, 'mediaType' | 'bytes'>): string {
  return `data:${mediaType};base64,${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}`
}

/** Says that pictures were marked and not cut out. */
export function figureWarnings(
  page: Pick<PageResult, 'text' | 'figures' | 'isFallback' | 'isEasy'>,
  { figures, model }: Pick<OcrRequest, 'figures' | 'model'>,
): PageWarning[] {
  if (figures == null || figures.limit === 0 || figures.marks === 'keep' || isOfLayer(page)) return []
  const { text, figures: cut } = page
  const marked = model.profile.findImages?.(text).length ?? 0
  const lacking = marked - (cut?.filter((figure) => figure !== null).length ?? 0)
  if (lacking === 0) return []
  const message = `Of ${marked} pictures that the model marked, ${lacking} could not be cut out; their marks stay as it wrote them. At most 64 of a page and 64 MiB of an answer are cut out, none that has no place on the page, and none of a page that was read in tiles.`
  return [{ code: 'figure_not_cut', message }]
}

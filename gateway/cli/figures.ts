import { basename } from 'node:path'
import type { OcrObject } from '../wire/openai/ocr-object.ts'
import type { Reading } from './read-document.ts'

/** A picture that goes into a file. */
export interface FigureFile {
  readonly name: string
  readonly bytes: Uint8Array
}

/** The pictures of a document, in a folder of their own. */
export interface FigureFolder {
  /** Below the folder of the command, as every place. */
  readonly place: string
  readonly files: readonly FigureFile[]
}

/** How the gateway names pictures; another one may name them as it likes. */
const NAME = /^figures\/(page-\d+-\d+\.(?:png|jpg))$/
const LINK = /\]\(figures\/(page-\d+-\d+\.(?:png|jpg))\)/g
const FILE = /(?:^|[/\\])[^/\\]+\.figures[/\\]page-\d+-\d+\.(?:png|jpg)$/

/** Tells whether a path within a folder is that of a picture that was written there: it is no document. */
export function isFigure(path: string): boolean {
  return FILE.test(path)
}

/** What was read, its links to pictures leading to files in a folder beside it. */
export interface Localized {
  readonly reading: Reading
  readonly figures: FigureFolder
}

/**
 * Makes the links of a text lead to the folder of its pictures; the ledger's offsets stay true, and it holds no bytes. Where
 * nobody has asked for pictures, and there are none, nothing is said of them. The links of a JSON object keep their names:
 * its own offsets would change.
 */
export function localized(reading: Reading, place: string, areAsked: boolean, isObject = false): Localized {
  const { figures, ...rest } = reading.ocr
  if (figures === undefined) return { reading, figures: { place, files: [] } }
  const files = figures.flatMap(({ name, data }): FigureFile[] => {
    const file = NAME.exec(name)?.[1]
    return file === undefined ? [] : [{ name: file, bytes: Buffer.from(data, 'base64') }]
  })
  if (files.length === 0 && !areAsked)
    return { reading: { ...reading, ocr: withoutWarning(rest) }, figures: { place, files } }
  if (isObject) return { reading: { ...reading, ocr: withoutBytes(reading.ocr, 'figures') }, figures: { place, files } }
  const known = new Set(files.map(({ name }) => name))
  const { content, ends } = relinked(reading.content, place, known)
  const ocr = withoutBytes({ ...reading.ocr, pages: shifted(reading.ocr.pages, ends) }, place)
  return { reading: { ...reading, content, ocr }, figures: { place, files } }
}

/** Says nothing of an option that had no effect, and that nobody has given. */
function withoutWarning({ warnings = [], ...ocr }: OcrObject): OcrObject {
  const left = warnings.filter(({ code, message }) => code !== 'option_ignored' || !message.includes('ocr.figures '))
  return left.length === 0 ? ocr : { ...ocr, warnings: left }
}

interface Relinked {
  readonly content: string
  /** Where links ended before, and by how much each has grown. */
  readonly ends: readonly { readonly end: number; readonly growth: number }[]
}

function relinked(content: string, place: string, known: ReadonlySet<string>): Relinked {
  const ends: { end: number; growth: number }[] = []
  const written = content.replaceAll(LINK, (link: string, file: string, offset: number) => {
    if (!known.has(file)) return link
    const own = `](${linkTo(place, file)})`
    ends.push({ end: offset + link.length, growth: own.length - link.length })
    return own
  })
  return { content: written, ends }
}

function shifted(pages: OcrObject['pages'], ends: Relinked['ends']): OcrObject['pages'] {
  const growths = [0]
  for (const { growth } of ends) growths.push((growths.at(-1) ?? 0) + growth)
  const moved = (offset: number): number => {
    let [low, high] = [0, ends.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((ends[middle]?.end ?? 0) <= offset) low = middle + 1
      else high = middle
    }
    return offset + (growths[low] ?? 0)
  }
  const both = <Place extends { readonly start: number; readonly end: number }>(place: Place): Place => ({
    ...place,
    start: moved(place.start),
    end: moved(place.end),
  })
  return pages.map((page) => ({ ...both(page), ...(page.joined === undefined ? {} : { joined: both(page.joined) }) }))
}

/** The figures of the ledger, which name files instead of holding them. */
function withoutBytes(ocr: OcrObject, place: string): OcrObject {
  const figures = (ocr.figures ?? []).map((figure) => {
    const { data: _, ...facts } = figure
    const file = NAME.exec(figure.name)?.[1]
    return file === undefined ? facts : { ...facts, name: linkTo(place, file) }
  })
  // What is written has the shape of the gateway's object, but for the bytes.
  return { ...ocr, figures: figures as unknown as NonNullable<OcrObject['figures']> }
}

/** A picture as a text beside its folder names it: nothing in it ends a link, and letters of all scripts stay legible. */
function linkTo(place: string, file: string): string {
  return `${linkFolder(place)}/${file}`
}

function linkFolder(place: string): string {
  return basename(place)
    .toWellFormed()
    .replaceAll(/[^\p{L}\p{M}\p{N}._~-]/gu, (sign) =>
      encodeURIComponent(sign).replaceAll(/[!'()*]/g, (left) => `%${left.charCodeAt(0).toString(16).toUpperCase()}`),
    )
}

/** Makes the links of a text that was written before lead to another folder. */
export function movedLinks(text: string, from: string, to: string): string {
  const [before, after] = [`${linkFolder(from)}/page-`, `${linkFolder(to)}/page-`]
  return text.replaceAll(`](${before}`, `](${after}`).replaceAll(`"name":"${before}`, `"name":"${after}`)
}

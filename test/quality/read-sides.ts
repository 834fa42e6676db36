import type OpenAI from 'openai'
import type { PageImage } from '../../gateway/page/page.ts'
import { filePart, imagePart } from '../support/documents.ts'
import { askWhole } from '../support/read-answer.ts'
import type { DirectEngine } from './ask-directly.ts'
import type { KnownDocument } from './document.ts'
import type { Side } from './sides.ts'

/** What came out of a document on one side. */
export interface Reading {
  readonly text: string
  /** By page, from the first on. */
  readonly pages: readonly string[]
  /** What the gateway says of each page; empty without one. */
  readonly statuses: readonly string[]
  /** Why there is no text; null where there is. */
  readonly failure: string | null
}

/** What the sides of one engine are read with. */
export interface Readers {
  readonly engine: DirectEngine
  /** A gateway in front of the same engine. */
  readonly client: OpenAI
  readonly model: string
}

/** Reads a document on one side; a failure is a reading without text. `images` are its pages as drawn beforehand. */
export async function readSide(
  side: Side,
  document: KnownDocument,
  images: readonly (PageImage | null)[],
  readers: Readers,
): Promise<Reading> {
  try {
    return await (side.sends === 'direct'
      ? readDirectly(images, readers)
      : readThrough(side, document, images, readers))
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error)
    return { text: '', pages: images.map(() => ''), statuses: [], failure }
  }
}

async function readDirectly(images: readonly (PageImage | null)[], { engine }: Readers): Promise<Reading> {
  const failures: string[] = []
  const pages = await Promise.all(
    images.map(async (image) => {
      if (image === null) return ''
      return engine.read(image).catch((error: unknown) => {
        failures.push(error instanceof Error ? error.message : String(error))
        return ''
      })
    }),
  )
  return { text: pages.join('\n\n'), pages, statuses: [], failure: failures[0] ?? null }
}

async function readThrough(
  { sends, ocr }: Side,
  { read, mediaType, pages: count }: KnownDocument,
  images: readonly (PageImage | null)[],
  { client, model }: Readers,
): Promise<Reading> {
  const parts =
    sends === 'images'
      ? images.filter((image) => image !== null).map(({ data, mediaType: type }) => imagePart(data, type))
      : [filePart(read(), mediaType)]
  const range = sends === 'document' && images.length < count ? { pages: `1-${images.length}` } : {}
  const { content, ocr: ledger } = await askWhole(client, { model, parts, ocr: { ...ocr, ...range } })
  return {
    text: content,
    pages: ledger.pages.map(({ start, end }) => content.slice(start, end)),
    statuses: ledger.pages.map(({ status }) => status),
    failure: null,
  }
}

import sharp from 'sharp'
import type { PageImage } from '../../gateway/page/page.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { modelDirectly, tesseractDirectly, type DirectEngine, type Served } from './ask-directly.ts'
import type { KnownDocument } from './document.ts'
import type { PageDrawer } from './draw-pages.ts'
import { readSide, type Readers, type Reading } from './read-sides.ts'
import { scoreDocument, type ScoredDocument } from './score-document.ts'
import { SCRIPTED_MODEL, startScriptedModel } from './scripted-model.ts'
import { mainSides, partSides, preparationSides, type Side } from './sides.ts'
import type { Run } from './tally.ts'

/** What all runs share. */
export interface RunOptions {
  readonly drawer: PageDrawer
  /** Pages of one document. */
  readonly maxPages: number
  /** Documents that are read at a time. */
  readonly atOnce: number
  /** Whether the parts of the gateway are measured one by one. */
  readonly withParts: boolean
  readonly say: (text: string) => void
}

/** The title of the run whose answers are the same on all sides. */
export const SCRIPTED = 'Scripted answers'

/** No tiles: the script tells pages from each other by what they look like as a whole. */
const WHOLE_PAGES = { prepare: { tile: false } }

/** Reads documents with a model that answers as a script says, with faults: what the gateway adds to the same answers. */
export async function runScripted(documents: readonly KnownDocument[], options: RunOptions): Promise<Run> {
  const known = documents.filter(({ answers }) => answers !== null)
  const sides = [...mainSides(WHOLE_PAGES), ...(options.withParts ? partSides(WHOLE_PAGES) : [])]
  await using model = await startScriptedModel()
  await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: model.url })
  await using engine = await modelDirectly({ url: model.url, model: SCRIPTED_MODEL, apiKey: null })
  const readers = { engine, client: gateway.client, model: SCRIPTED_MODEL }
  const read = async (document: KnownDocument): Promise<ScoredDocument> => {
    const images = await drawn(document, options)
    const readings = new Map<string, Reading>()
    for (const side of sides) {
      await model.begin(document, images)
      readings.set(side.name, await readSide(side, document, images, readers))
    }
    const faults = images.map((_, index) => model.faultOf(index + 1))
    return scoreDocument(document, images, readings, faults)
  }
  const about =
    'Scripted answers: what is known of each page, with the faults that models make. The figures show what the gateway adds to the same answers, and nothing about a model.'
  return await collect(SCRIPTED, about, sides, known, read, { ...options, atOnce: 1 })
}

/** Reads documents with the embedded engine. */
export async function runTesseract(documents: readonly KnownDocument[], options: RunOptions): Promise<Run> {
  await using gateway = await startTestGateway()
  await using engine = tesseractDirectly(options.atOnce)
  const readers = { engine, client: gateway.client, model: 'tesseract' }
  const about = 'Tesseract, the embedded engine.'
  return await runEngine('The embedded engine', about, mainSides(), documents, readers, options)
}

/** Reads documents with a model that a server has. */
export async function runServed(
  served: Served,
  documents: readonly KnownDocument[],
  options: RunOptions,
): Promise<Run> {
  const key = served.apiKey === null ? {} : { GATEWAY_UPSTREAM_API_KEY: served.apiKey }
  await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: served.url, ...key })
  await using engine = await modelDirectly(served)
  const readers = { engine, client: gateway.client, model: served.model }
  const sides = [...mainSides(), ...(options.withParts ? partSides() : [])]
  return await runEngine(served.model, `The model at ${served.url}.`, sides, documents, readers, options)
}

/** Reads copies of pages that lie on their side or at a slant, with the embedded engine. */
export async function runPreparation(documents: readonly KnownDocument[], options: RunOptions): Promise<Run> {
  const copies: KnownDocument[] = []
  for (const document of documents) copies.push(...(await slantedCopies(document, options.drawer)))
  await using gateway = await startTestGateway()
  await using engine = tesseractDirectly(options.atOnce)
  const readers = { engine, client: gateway.client, model: 'tesseract' }
  const about = 'Scans that were turned by 90 or 180 degrees, or by 3, read by Tesseract.'
  return await runEngine('Preparation', about, preparationSides(), copies, readers, options)
}

/** Engines that answer any request: documents are read side by side. */
function runEngine(
  title: string,
  about: string,
  sides: readonly Side[],
  documents: readonly KnownDocument[],
  readers: Readers & { readonly engine: DirectEngine },
  options: RunOptions,
): Promise<Run> {
  const read = async (document: KnownDocument): Promise<ScoredDocument> => {
    const images = await drawn(document, options)
    const readings = new Map<string, Reading>()
    for (const side of sides) readings.set(side.name, await readSide(side, document, images, readers))
    return scoreDocument(document, images, readings)
  }
  return collect(title, about, sides, documents, read, options)
}

async function collect(
  title: string,
  about: string,
  sides: readonly Side[],
  documents: readonly KnownDocument[],
  read: (document: KnownDocument) => Promise<ScoredDocument>,
  { atOnce, say }: RunOptions,
): Promise<Run> {
  const startedAt = performance.now()
  const scored = new Map<string, ScoredDocument>()
  const waiting = documents.values()
  const work = async () => {
    for (const document of waiting) {
      scored.set(document.name, await read(document))
      say(`${title}: ${scored.size} of ${documents.length}, ${document.name}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  const inOrder = documents.flatMap(({ name }) => scored.get(name) ?? [])
  return { title, about, sides, documents: inOrder, seconds: (performance.now() - startedAt) / 1000 }
}

function drawn(document: KnownDocument, { drawer, maxPages }: RunOptions): Promise<readonly (PageImage | null)[]> {
  return drawer.draw(document.read(), document.mediaType, Math.min(maxPages, document.pages))
}

/** Degrees, clockwise. */
const TURNS = [90, 180, 3] as const

async function slantedCopies(document: KnownDocument, drawer: PageDrawer): Promise<readonly KnownDocument[]> {
  const [image] = await drawer.draw(document.read(), document.mediaType, 1)
  if (image === null || image === undefined) return []
  return Promise.all(
    TURNS.map(async (degrees) => {
      const bytes = await sharp(image.data)
        .flatten({ background: '#fff' })
        .rotate(degrees, { background: '#fff' })
        .png()
        .toBuffer()
      const name = `${document.name} turned by ${degrees}°`
      return {
        ...document,
        name,
        mediaType: 'image/png',
        pages: 1,
        category: `turned by ${degrees}°`,
        read: () => bytes,
      }
    }),
  )
}

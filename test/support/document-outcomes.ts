import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import sharp from 'sharp'
import { openDocument, type Document } from '../../gateway/document/open.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { PageImage } from '../../gateway/page/page.ts'
import { createRasterizer } from '../../gateway/rasterizer/pool.ts'
import { readPageBarcode } from '../fakes/page-barcode.ts'
import type { MadeDocument } from '../fixtures/made-document.ts'
import { makeSource } from './make-source.ts'
import { someone } from './turn.ts'

/** What a refusal is called, and the code that a client reads. */
const codes: Readonly<Record<string, string>> = {
  'error:encrypted': 'document_encrypted',
  'error:corrupt': 'document_unreadable',
  'error:not-pdf': 'document_unreadable',
  'error:empty': 'document_empty',
  'error:zero-pages': 'document_empty',
  'error:too-large': 'page_too_large',
  'error:timeout': 'page_timeout',
  'error:unsupported-type': 'unsupported_media_type',
  'error:unsupported': 'unsupported_media_type',
}

/** What has no end takes all memory that it may before it has taken all time, on a fast machine. */
const OUT_OF_MEMORY = 'page_too_large'

/** Only a request can have too many pages: the document says how many it has. */
const TOO_MANY_PAGES = 'error:too-many-pages'

const LONGEST_EDGE = 1540
const rasterization = {
  pixelBudget: { longestEdge: LONGEST_EDGE, maxPixels: LONGEST_EDGE ** 2 },
  mediaType: 'image/png',
} as const
const limits = { threads: 2, pageTimeoutSeconds: 30, openTimeoutSeconds: 30, maxImagePixels: 1e8 }
const never = new AbortController().signal

/** Checks of each document that it is opened, drawn or refused as it should, and opens only with its password. */
export function describeOutcomes(name: string, documents: readonly MadeDocument[]): void {
  describe(name, { timeout: 180_000, concurrency: 2 }, () => {
    const rasterizer = createRasterizer(limits)
    /** For what is built to run into its limit. */
    const impatient = createRasterizer({ ...limits, pageTimeoutSeconds: 4 })
    after(() => Promise.all([rasterizer.close(), impatient.close()]))

    const open = async (made: MadeDocument, password: string | null = null) => {
      const pool = made.expected.includes('error:timeout') ? impatient : rasterizer
      const source = makeSource(await made.bytes(), { filename: made.file, password })
      return openDocument(source, pool, { maxDocumentBytes: 1e8, turn: someone }, never)
    }

    for (const made of documents) {
      const expected = made.expected.split('|')
      it(`${made.file}: ${expected.join(' or ')}`, async () => {
        const outcome = await outcomeOf(() => open(made))
        if (outcome instanceof GatewayError) assertRefused(outcome, expected)
        else await assertDrawn(outcome, expected, made)
      })
    }

    for (const made of documents.filter(({ password }) => password !== undefined)) {
      it(`${made.file}: opens with its password and with no other`, async () => {
        const { document, images } = await drawnOf(await open(made, made.password))
        assert.equal(images.length, Math.min(3, document.pageCount))
        await assertNumbers(images, made)
        await assert.rejects(open(made, 'guess'), { code: 'wrong_password', param: 'ocr.password' })
      })
    }
  })
}

interface Drawn {
  readonly document: Pick<Document, 'mediaType' | 'pageCount'>
  readonly images: readonly PageImage[]
}

async function outcomeOf(open: () => Promise<Document>): Promise<Drawn | GatewayError> {
  try {
    return await drawnOf(await open())
  } catch (error) {
    assert.ok(error instanceof GatewayError, String(error))
    return error
  }
}

async function drawnOf(opened: Document): Promise<Drawn> {
  await using document = opened
  const count = Math.min(3, document.pageCount)
  const images = await Promise.all(
    Array.from({ length: count }, (_, index) => document.rasterize(index + 1, rasterization, never)),
  )
  return { document, images }
}

function assertRefused({ code, message, param }: GatewayError, expected: readonly string[]): void {
  assert.ok(
    expected.some((one) => codes[one] === code || (one === 'error:timeout' && code === OUT_OF_MEMORY)),
    `${code}: ${message}`,
  )
  assert.equal(param, 'the.field')
}

async function assertDrawn(
  { document, images }: Drawn,
  expected: readonly string[],
  made: MadeDocument,
): Promise<void> {
  // A damaged file may be repaired to fewer pages than it claims.
  if (expected.length === 1) assert.equal(document.pageCount, made.pages)
  assert.ok(
    expected.some((one) => one.startsWith('renders') || one === TOO_MANY_PAGES),
    `drawn, where ${made.expected} was expected`,
  )
  for (const image of images) await assertSize(image, document.mediaType)
  const blanks = await Promise.all(images.map(isBlank))
  if (made.expected === 'renders') assert.ok(blanks.includes(false), 'every page is blank')
  if (made.expected === 'renders-blank') assert.ok(!blanks.includes(false), 'a page is not blank')
  await assertNumbers(images, made)
}

async function assertNumbers(images: readonly PageImage[], { numbers }: MadeDocument): Promise<void> {
  if (numbers === undefined) return
  const seen = await Promise.all(images.map(numberOf))
  assert.deepEqual(seen, numbers)
}

async function numberOf({ data }: PageImage): Promise<number | null> {
  const { data: pixels, info } = await sharp(data).raw().toBuffer({ resolveWithObject: true })
  return readPageBarcode({ ...info, data: pixels })
}

async function assertSize(page: PageImage, mediaType: string): Promise<void> {
  for (const { data, width, height } of page.tiles?.flat() ?? [page]) {
    const stored = await sharp(data).metadata()
    assert.deepEqual([stored.format, stored.depth, stored.width, stored.height], ['png', 'uchar', width, height])
    const longest = Math.max(width, height)
    if (mediaType === 'application/pdf' && page.tiles === undefined) assert.equal(longest, LONGEST_EDGE)
    else assert.ok(longest <= LONGEST_EDGE, `${longest} pixels`)
  }
}

async function isBlank({ data }: PageImage): Promise<boolean> {
  return (await sharp(data).stats()).channels.every(({ min }) => min === 255)
}

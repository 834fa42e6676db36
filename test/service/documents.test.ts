import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import sharp from 'sharp'
import { openDocument, type Document } from '../../gateway/document/open.ts'
import { createRasterizer } from '../../gateway/rasterizer/pool.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { PageImage } from '../../gateway/page/page.ts'
import { readCorpus } from '../support/documents.ts'
import { someone } from '../support/turn.ts'
import { makeSource } from '../support/make-source.ts'

/** One line of the corpus's manifest. `expected` lists, with `|` between, what may become of the file. */
interface Entry {
  readonly file: string
  readonly expected: string
  readonly pages: number | null
  readonly password?: string
}

/** What the manifest calls a refusal, and the code that a client reads. */
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

/** Only a request can have too many pages: the document says how many it has. */
const TOO_MANY_PAGES = 'error:too-many-pages'

const LONGEST_EDGE = 1540
const rasterization = {
  pixelBudget: { longestEdge: LONGEST_EDGE, maxPixels: LONGEST_EDGE ** 2 },
  mediaType: 'image/png',
} as const

const manifest: { readonly files: readonly Entry[] } = JSON.parse(readCorpus('public/manifest.json').toString())
const limits = { threads: 2, pageTimeoutSeconds: 30, openTimeoutSeconds: 30, maxImagePixels: 1e8 }
const rasterizer = createRasterizer(limits)
/** For what is built to run into its limit. */
const impatient = createRasterizer({ ...limits, pageTimeoutSeconds: 4 })
const never = new AbortController().signal

describe('real documents', { timeout: 180_000, concurrency: 2 }, () => {
  after(() => Promise.all([rasterizer.close(), impatient.close()]))

  for (const entry of manifest.files) {
    const expected = entry.expected.split('|')
    it(`${entry.file}: ${expected.join(' or ')}`, async () => {
      const outcome = await read(entry)
      if (outcome instanceof GatewayError) {
        assert.ok(
          expected.some((one) => codes[one] === outcome.code),
          `${outcome.code}: ${outcome.message}`,
        )
        assert.equal(outcome.param, 'the.field')
      } else {
        await assertDrawn(outcome, expected, entry)
      }
    })
  }

  for (const { file, password } of manifest.files.filter((entry) => entry.password !== undefined)) {
    it(`${file}: opens with its password and with no other`, async () => {
      const document = await openDocument(
        source(file, password),
        rasterizer,
        { maxDocumentBytes: 1e8, turn: someone },
        never,
      )
      assert.equal((await firstPages(document)).length, Math.min(3, document.pageCount))
      await document[Symbol.asyncDispose]()
      await assert.rejects(
        openDocument(source(file, 'guess'), rasterizer, { maxDocumentBytes: 1e8, turn: someone }, never),
        {
          code: 'wrong_password',
          param: 'ocr.password',
        },
      )
    })
  }

  it('a document beyond the most bytes is refused before anyone looks inside', async () => {
    const file = 'real/header-offset-pdf20.pdf'
    await assert.rejects(openDocument(source(file), rasterizer, { maxDocumentBytes: 5000, turn: someone }, never), {
      code: 'document_too_large',
      param: 'the.field',
      message: /has 5264 bytes; at most 5000/,
    })
  })
})

interface Drawn {
  readonly document: Pick<Document, 'sha256' | 'mediaType' | 'pageCount'>
  readonly images: readonly PageImage[]
}

async function read({ file, expected }: Entry): Promise<Drawn | GatewayError> {
  const pool = expected.includes('error:timeout') ? impatient : rasterizer
  try {
    await using document = await openDocument(source(file), pool, { maxDocumentBytes: 1e8, turn: someone }, never)
    return { document, images: await firstPages(document) }
  } catch (error) {
    assert.ok(error instanceof GatewayError, String(error))
    return error
  }
}

function source(file: string, password: string | null = null) {
  return makeSource(readCorpus(`public/${file}`), { filename: file, password })
}

async function firstPages(document: Document): Promise<PageImage[]> {
  const count = Math.min(3, document.pageCount)
  return Promise.all(Array.from({ length: count }, (_, index) => document.rasterize(index + 1, rasterization, never)))
}

async function assertDrawn({ document, images }: Drawn, expected: readonly string[], entry: Entry): Promise<void> {
  // A damaged file may be repaired to fewer pages than it claims.
  if (expected.length === 1) assert.equal(document.pageCount, entry.pages)
  assert.ok(
    expected.some((one) => one.startsWith('renders') || one === TOO_MANY_PAGES),
    `drawn, where ${entry.expected} was expected`,
  )
  for (const image of images) await assertSize(image, document.mediaType)
  const blanks = await Promise.all(images.map(isBlank))
  if (entry.expected === 'renders') assert.ok(blanks.includes(false), 'every page is blank')
  if (entry.expected === 'renders-blank') assert.ok(!blanks.includes(false), 'a page is not blank')
}

async function assertSize({ data, width, height }: PageImage, mediaType: string): Promise<void> {
  const stored = await sharp(data).metadata()
  assert.deepEqual([stored.format, stored.depth, stored.width, stored.height], ['png', 'uchar', width, height])
  const longest = Math.max(width, height)
  if (mediaType === 'application/pdf') assert.equal(longest, LONGEST_EDGE)
  else assert.ok(longest <= LONGEST_EDGE, `${longest} pixels`)
}

async function isBlank({ data }: PageImage): Promise<boolean> {
  return (await sharp(data).stats()).channels.every(({ min }) => min === 255)
}

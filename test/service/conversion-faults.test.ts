import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, afterEach, before, describe, it } from 'node:test'
import {
  createConvert,
  type Convert,
  type ConvertOptions,
  type EndedConversion,
} from '../../gateway/document/convert/convert.ts'
import { lookAt } from '../../gateway/document/convert/looked-at.ts'
import { openDocument } from '../../gateway/document/open.ts'
import { GatewayError, type ErrorCode } from '../../gateway/errors.ts'
import type { Rasterizer } from '../../gateway/rasterizer/pool.ts'
import { createByteBudget, type ByteBudget } from '../../gateway/schedule/byte-budget.ts'
import type { Turn } from '../../gateway/schedule/turn.ts'
import { OFFICE_PASSWORD, startFakeGotenberg, type Behaviour, type FakeGotenberg } from '../fakes/fake-gotenberg.ts'
import { makeDocx } from '../fixtures/office-documents.ts'
import { makeSource } from '../support/make-source.ts'
import { someone } from '../support/turn.ts'
import { eventually } from '../support/within.ts'

const MAX_PDF_BYTES = 1_000_000
const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'

let fake: FakeGotenberg
let budget: ByteBudget
let ended: EndedConversion[] = []

before(async () => void (fake = await startFakeGotenberg()))
after(() => fake[Symbol.asyncDispose]())
afterEach(() => {
  fake.behave('pdf')
  assert.equal(budget.held, 0, 'memory of bodies is held by nobody')
})

function made(options: Partial<ConvertOptions> = {}): Convert {
  budget = createByteBudget({ bytes: 4 * MAX_PDF_BYTES, largest: MAX_PDF_BYTES, isShared: false })
  ended = []
  return createConvert({
    url: new URL(fake.url),
    maxPdfBytes: MAX_PDF_BYTES,
    budget,
    idleSeconds: 5,
    maxSeconds: 5,
    onEnd: (conversion) => void ended.push(conversion),
    ...options,
  })
}

interface Asked {
  readonly bytes?: Uint8Array
  readonly password?: string | null
  readonly turn?: Turn
  readonly signal?: AbortSignal
}

/** Converts one document, and gives back what it holds. */
async function convertOne(
  convert: Convert,
  { bytes = makeDocx(), password = null, turn = someone, signal }: Asked = {},
) {
  const format = { extension: 'docx', mediaType: DOCX }
  const document = { bytes: lookAt(bytes), format, param: 'the.field', password }
  const converted = await convert(document, turn, signal ?? new AbortController().signal)
  converted.reservation.release()
  return converted
}

async function failureOf(work: Promise<unknown>): Promise<GatewayError> {
  const error: unknown = await work.then(
    () => assert.fail('it did not fail'),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof GatewayError)) throw error
  return error
}

describe('a conversion', () => {
  it('sends the document as the one file of a form, and knows it by its own hash', async () => {
    const bytes = Buffer.concat([makeDocx(), Buffer.alloc(3_000_000, 7)])
    const { bytes: pdf, sha256 } = await convertOne(made(), { bytes })
    const form = fake.forms.at(-1)
    assert.equal(Buffer.from(pdf).toString('latin1', 0, 5), '%PDF-')
    assert.equal(sha256, createHash('sha256').update(bytes).digest('hex'))
    assert.deepEqual(form?.files, [{ field: 'files', filename: 'document.docx', bytes: bytes.length, sha256 }])
    assert.deepEqual(form?.fields, {})
    assert.equal(form?.authorization, null)
    assert.deepEqual(
      ended.map(({ outcome, format, bytes: length }) => [outcome, format, length]),
      [['ok', 'docx', bytes.length]],
    )
  })

  it('sends the name and the password that are in the address, and keeps its path', async () => {
    const url = new URL(fake.url)
    url.username = 'me'
    url.password = 'a%20b'
    await convertOne(made({ url }))
    assert.equal(fake.forms.at(-1)?.authorization, `Basic ${Buffer.from('me:a b').toString('base64')}`)
    const error = await failureOf(convertOne(made({ url: new URL('/elsewhere/', fake.url) })))
    assert.deepEqual([error.code, error.retry], ['engine_error', false])
  })

  it('sends a password only to a document that asks for one', async () => {
    await convertOne(made(), { password: OFFICE_PASSWORD })
    assert.deepEqual(fake.forms.at(-1)?.fields, {})
    fake.behave('encrypted')
    await convertOne(made(), { password: OFFICE_PASSWORD })
    assert.deepEqual(fake.forms.at(-1)?.fields, { password: OFFICE_PASSWORD })
  })

  const rows: readonly {
    behaviour: Behaviour
    code: ErrorCode
    retry: boolean
    outcome: EndedConversion['outcome']
    says: RegExp
    password?: string
    options?: Partial<ConvertOptions>
    retryAfter?: number
  }[] = [
    {
      behaviour: 'unreadable',
      code: 'document_unreadable',
      retry: false,
      outcome: 'refused',
      says: /LibreOffice cannot read it/,
    },
    { behaviour: 'encrypted', code: 'document_encrypted', retry: false, outcome: 'refused', says: /ocr\.password/ },
    {
      behaviour: 'encrypted',
      code: 'wrong_password',
      retry: false,
      outcome: 'refused',
      says: /does not open/,
      password: 'open',
    },
    { behaviour: 'crash', code: 'engine_error', retry: true, outcome: 'failed', says: /status 500/ },
    { behaviour: 'busy', code: 'engine_unavailable', retry: true, outcome: 'failed', says: /no room/, retryAfter: 7 },
    {
      behaviour: 'timeout',
      code: 'engine_unavailable',
      retry: true,
      outcome: 'failed',
      says: /API_TIMEOUT/,
      retryAfter: 5,
    },
    { behaviour: 'too_large', code: 'document_too_large', retry: false, outcome: 'too_large', says: /API_BODY_LIMIT/ },
    { behaviour: 'no_route', code: 'engine_error', retry: false, outcome: 'failed', says: /status 404/ },
    {
      behaviour: 'not_a_pdf',
      code: 'engine_error',
      retry: false,
      outcome: 'failed',
      says: /something else than a PDF/,
    },
    {
      behaviour: 'giant',
      code: 'document_too_large',
      retry: false,
      outcome: 'too_large',
      says: /more than 1000000 bytes/,
    },
    { behaviour: 'truncated', code: 'engine_unavailable', retry: true, outcome: 'failed', says: /Gotenberg/ },
    {
      behaviour: 'reset',
      code: 'engine_unavailable',
      retry: true,
      outcome: 'failed',
      says: /Gotenberg broke the connection off/,
    },
    {
      behaviour: 'silent',
      code: 'engine_unavailable',
      retry: true,
      outcome: 'failed',
      says: /longer than 0\.2 seconds/,
      options: { maxSeconds: 0.2 },
    },
    {
      behaviour: 'stalled',
      code: 'engine_unavailable',
      retry: true,
      outcome: 'failed',
      says: /too slowly/,
      options: { idleSeconds: 0.2 },
    },
  ]
  for (const { behaviour, code, retry, outcome, says, password, options, retryAfter } of rows)
    it(`fails with ${code} where Gotenberg is ${behaviour}`, async () => {
      fake.behave(behaviour)
      const error = await failureOf(convertOne(made(options), { password: password ?? null }))
      assert.deepEqual([error.code, error.retry], [code, retry])
      assert.match(error.message, says)
      assert.equal(error.param, code === 'wrong_password' ? 'ocr.password' : 'the.field')
      if (retryAfter !== undefined) assert.equal(error.retryAfterSeconds, retryAfter)
      assert.deepEqual(
        ended.map((conversion) => conversion.outcome),
        [outcome],
      )
      assert.doesNotMatch(error.message, /127\.0\.0\.1/)
    })

  it('fails where nobody listens', async () => {
    const gone = await startFakeGotenberg()
    await gone[Symbol.asyncDispose]()
    const error = await failureOf(convertOne(made({ url: new URL(gone.url) })))
    assert.deepEqual([error.code, error.retry], ['engine_unavailable', true])
    assert.match(error.message, /refused the connection/)
  })

  it('is ended when its request ends, while it runs and while it waits', async () => {
    const release = fake.hold()
    const convert = made()
    const leave = new AbortController()
    const asked = [1, 2, 3].map(() => convertOne(convert, { signal: leave.signal }).catch((error: unknown) => error))
    const before = fake.left
    await eventually(() => fake.running === 2, 2000, 'two conversions')
    leave.abort(new Error('the client has left'))
    for (const error of await Promise.all(asked)) assert.equal((error as Error).message, 'the client has left')
    await eventually(() => fake.left === before + 2, 2000, 'both connections are closed')
    assert.deepEqual(
      ended.map(({ outcome }) => outcome),
      ['left', 'left', 'left'],
    )
    release()
    await eventually(() => fake.running === 0, 2000, 'the end of the conversions')
  })

  it('waits for two others at most, and keys take turns', async () => {
    const release = fake.hold()
    const convert = made()
    const order: string[] = []
    const ask = async (key: string, request: string): Promise<void> => {
      await convertOne(convert, { turn: { lane: 'interactive', key, request } })
      order.push(key)
    }
    const asked = [ask('many', '1'), ask('many', '2'), ask('many', '3'), ask('many', '4'), ask('one', '5')]
    await eventually(() => fake.running === 2, 2000, 'two conversions')
    release()
    await Promise.all(asked)
    assert.ok(order.indexOf('one') < 4, `the other key came last: ${order.join(', ')}`)
    assert.ok(fake.most <= 2, `${fake.most} at a time`)
  })
})

describe('without Gotenberg', () => {
  // No drawer is asked before it is known what the document is.
  const nobody = {} as Rasterizer
  const refusalOf = (bytes: Uint8Array, filename: string) => {
    const options = { maxDocumentBytes: MAX_PDF_BYTES, turn: someone }
    return failureOf(openDocument(makeSource(bytes, { filename }), nobody, options, new AbortController().signal))
  }
  const mail = Buffer.from('From: a@b.example\r\nTo: c@d.example\r\nMessage-ID: <1@b>\r\n\r\nHello')
  const rows: readonly { name: string; bytes: Uint8Array; filename: string; code: ErrorCode; says: RegExp }[] = [
    { name: 'a Word document', bytes: makeDocx(), filename: 'a.docx', code: 'unsupported_media_type', says: /Word document.*Send PDF.*GATEWAY_GOTENBERG_URL/ }, // prettier-ignore
    { name: 'one that is called a PDF', bytes: makeDocx(), filename: 'a.pdf', code: 'document_unreadable', says: /not a PDF.*Word document.*GATEWAY_GOTENBERG_URL/ }, // prettier-ignore
    { name: 'mail', bytes: mail, filename: 'a.eml', code: 'unsupported_media_type', says: /e-mail message.*GATEWAY_GOTENBERG_URL/ }, // prettier-ignore
    { name: 'a text, which it would not read either', bytes: Buffer.from('Dear Sir, and so on.'), filename: 'a.txt', code: 'unsupported_media_type', says: /plain text, which cannot be read\. Send PDF[^.]*\.$/ }, // prettier-ignore
  ]
  for (const { name, bytes, filename, code, says } of rows)
    it(`is refused, with what would read it: ${name}`, async () => {
      const error = await refusalOf(bytes, filename)
      assert.equal(error.code, code)
      assert.match(error.message, says)
    })
})

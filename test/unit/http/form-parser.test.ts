import assert from 'node:assert/strict'
import type { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { GatewayError } from '../../../gateway/errors.ts'
import { createFormParser, type FormFile, type FormLimits } from '../../../gateway/http/form-parser.ts'

const type = 'multipart/form-data; boundary=b'
const limits: FormLimits = {
  files: 1,
  fields: 3,
  fieldBytes: 50,
  fileBytes: 100,
  tooLarge: (field) => new GatewayError('document_too_large', 'too large', { param: field }),
}
const part = (head: string, body: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from(`--b\r\n${head}\r\n\r\n`), Buffer.from(body), Buffer.from('\r\n')])
const disposition = (rest: string) => `Content-Disposition: form-data; ${rest}`
const file = (name: string, body: string | Buffer = 'x', more = '') =>
  part(`${disposition(`name="file"; filename${name}`)}${more}`, body)
const field = (name: string, value: string) => part(disposition(`name="${name}"`), value)
const form = (...parts: readonly Buffer[]) => Buffer.concat([...parts, Buffer.from('--b--\r\n')])

interface Parsed {
  readonly fields: Record<string, string>
  readonly files: (FormFile & { readonly bytes: string })[]
}

/** Parses a form that arrives in pieces of a size. */
async function parse(bytes: Buffer, size = bytes.length, take = takeAll): Promise<Parsed> {
  const parsed: Parsed = { fields: {}, files: [] }
  const parser = createFormParser(type, limits, {
    onField: (name, value) => (parsed.fields[name] = value),
    async onFile(facts, stream) {
      parsed.files.push({ ...facts, bytes: await take(stream) })
    },
  })
  try {
    for (let at = 0; at < bytes.length; at += size) await parser.write(bytes.subarray(at, at + size))
    await parser.end()
    return parsed
  } catch (error) {
    await parser.fail(error as Error)
    throw error
  }
}

async function takeAll(stream: Readable): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of stream as AsyncIterable<Buffer>) pieces.push(piece)
  return Buffer.concat(pieces).toString('latin1')
}

describe('a form', () => {
  const whole = form(
    field('purpose', 'ocr'),
    file('="a.pdf"', 'line\r\n--c\r\n-b', '\r\nContent-Type: application/pdf'),
    field('expires_after[seconds]', '3600'),
  )
  const parsed = {
    fields: { purpose: 'ocr', 'expires_after[seconds]': '3600' },
    files: [{ field: 'file', filename: 'a.pdf', mediaType: 'application/pdf', bytes: 'line\r\n--c\r\n-b' }],
  }

  for (const size of [1, 2, 3, 7, 64, 10_000]) {
    it(`is the same in pieces of ${size} bytes`, async () => {
      assert.deepEqual(await parse(whole, size), parsed)
    })
  }

  it('may have its parts in any order', async () => {
    const { fields, files } = await parse(form(file('="a.pdf"', 'abc'), field('purpose', 'user_data')))
    assert.deepEqual([fields['purpose'], files[0]?.bytes], ['user_data', 'abc'])
  })

  for (const [written, name] of [
    ['="Übersicht 日本.pdf"', 'Übersicht 日本.pdf'],
    ['="a%22b%22.pdf"', 'a"b".pdf'],
    ['="100%25.pdf"', '100%25.pdf'],
    ['="my%20file.pdf"', 'my%20file.pdf'],
    ['="my%20%C3%9Cber%281%29.pdf"', 'my Über(1).pdf'],
    ['="%C3%9Cber%FF%22.pdf"', '%C3%9Cber%FF".pdf'],
    ["*=UTF-8''%C3%9Cbersicht.pdf", 'Übersicht.pdf'],
    ['=plain.pdf', 'plain.pdf'],
    ['="C:\\\\Users\\\\me\\\\a.pdf"', 'a.pdf'],
    ['="../../etc/passwd"', 'passwd'],
    ['=""', null],
  ] as const) {
    it(`names its file ${JSON.stringify(name)} where it says ${written}`, async () => {
      assert.equal((await parse(form(file(written)))).files[0]?.filename, name)
    })
  }

  it('takes the part "file" for a file, whatever else it says', async () => {
    const { files } = await parse(form(part(disposition('name="file"'), 'abc')))
    assert.deepEqual(files, [{ field: 'file', filename: null, mediaType: 'text/plain', bytes: 'abc' }])
  })

  it('may have an empty file, and a preamble and an epilogue', async () => {
    const bytes = Buffer.concat([Buffer.from('preamble\r\n'), form(file('="a"', '')), Buffer.from('epilogue')])
    assert.equal((await parse(bytes)).files[0]?.bytes, '')
  })

  it('may have as much as its limits say', async () => {
    const full = [file('="a"', 'x'.repeat(100)), ...['1', '2', '3'].map((name) => field(name, 'v'.repeat(50)))]
    const { fields, files } = await parse(form(...full))
    assert.deepEqual([Object.keys(fields).length, files[0]?.bytes.length], [3, 100])
  })

  const refused: Readonly<Record<string, readonly [Buffer, RegExp | string]>> = {
    'breaks off within a file': [whole.subarray(0, 120), /breaks off/],
    'breaks off between two parts': [form(file('="a"')).subarray(0, -5), /breaks off/],
    'has no parts, and no end': [Buffer.from('nothing'), /breaks off/],
    'is empty': [Buffer.alloc(0), /breaks off/],
    'has two files': [form(file('="a"'), file('="b"')), /several files/],
    'has too large a file': [form(file('="a"', 'x'.repeat(101))), 'document_too_large'],
    'has too many fields': [form(...['1', '2', '3', '4'].map((name) => field(name, ''))), /too many fields/],
    'has too long a field': [form(field('purpose', 'v'.repeat(51))), /field "purpose" is too long/],
  }
  for (const [name, [bytes, expected]] of Object.entries(refused)) {
    for (const size of [1, 10_000]) {
      it(`is refused where it ${name}, in pieces of ${size} bytes`, async () => {
        await assert.rejects(
          parse(bytes, size),
          typeof expected === 'string' ? { code: expected } : { code: 'invalid_value', message: expected },
        )
      })
    }
  }

  it('is refused with what a handler throws, when all handlers have ended', async () => {
    let hasEnded = false
    const take = async (stream: Readable): Promise<string> => {
      try {
        return await takeAll(stream)
      } finally {
        await delay(20)
        hasEnded = true
      }
    }
    const bytes = form(file('="a"', 'x'.repeat(101)))
    await assert.rejects(parse(bytes, 10, take), { code: 'document_too_large' })
    assert.ok(hasEnded)
    const full = new Error('disk full')
    await assert.rejects(
      parse(whole, 10, async () => Promise.reject(full)),
      full,
    )
  })

  it('is read no faster than its file is taken', async () => {
    const large = { ...limits, fileBytes: Infinity }
    const gate = Promise.withResolvers<void>()
    let taken = 0
    const parser = createFormParser(type, large, {
      onField: () => {},
      async onFile(_, stream) {
        await gate.promise
        for await (const piece of stream as AsyncIterable<Buffer>) taken += piece.length
      },
    })
    await parser.write(Buffer.from(`--b\r\n${disposition('name="file"; filename="a"')}\r\n\r\n`))
    let written = 0
    const writing = (async () => {
      for (; written < 64; written++) await parser.write(Buffer.alloc(64 * 1024))
      await parser.write(Buffer.from('\r\n--b--\r\n'))
      await parser.end()
    })()
    await delay(50)
    assert.ok(written <= 3, String(written))
    gate.resolve()
    await writing
    assert.deepEqual([written, taken], [64, 64 * 64 * 1024])
  })

  it('needs a boundary', () => {
    const handlers = { onField: () => {}, onFile: async () => {} }
    assert.throws(() => createFormParser('multipart/form-data', limits, handlers), { code: 'invalid_value' })
  })
})

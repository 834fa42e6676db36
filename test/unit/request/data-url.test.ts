import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from '../../../gateway/errors.ts'
import { decodeInline, isElsewhere } from '../../../gateway/request/data-url.ts'
import { jsonTextOf, type JsonText } from '../../../gateway/request/json-text.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const MAX_BYTES = 1000
const bytes = Buffer.from(Array.from({ length: 100 }, (_, index) => (index * 37) % 256))
const base64 = bytes.toString('base64')

describe('decoding an inline document', () => {
  for (const { name, text, mediaType } of [
    { name: 'a data URL', text: `data:application/pdf;base64,${base64}`, mediaType: 'application/pdf' },
    {
      name: 'a data URL with parameters',
      text: `data:Application/PDF;name=a.pdf;base64,${base64}`,
      mediaType: 'application/pdf',
    },
    { name: 'a data URL without a media type', text: `data:;base64,${base64}`, mediaType: null },
    {
      name: 'a data URL with a long file name',
      text: `data:application/pdf;name=${'a'.repeat(300)}.pdf;base64,${base64}`,
      mediaType: 'application/pdf',
    },
    {
      name: 'a data URL with a comma and a semicolon in its file name',
      text: `data:application/pdf;name="a, b; c.pdf";base64,${base64}`,
      mediaType: 'application/pdf',
    },
    { name: 'a data URL of a type that is none', text: `data:None;base64,${base64}`, mediaType: null },
    { name: 'a data URL with blanks', text: `\n data:image/png; base64 ,${base64}`, mediaType: 'image/png' },
    {
      name: 'a data URL that is escaped like any other',
      text: `data:image/png;base64,${encodeURIComponent(base64)}`,
      mediaType: 'image/png',
    },
    { name: 'bare base64', text: base64, mediaType: null },
    { name: 'base64 without padding', text: base64.replace(/=+$/, ''), mediaType: null },
    { name: 'URL-safe base64', text: bytes.toString('base64url'), mediaType: null },
    { name: 'base64 in lines of 76', text: base64.replace(/.{76}/g, '$&\r\n'), mediaType: null },
  ]) {
    it(`reads ${name}`, async () => {
      const decoded = await decodeInline(jsonTextOf(text), 'f', MAX_BYTES)
      assert.deepEqual(Buffer.from(decoded.bytes), bytes)
      assert.equal(decoded.mediaType, mediaType)
    })
  }

  for (const { name, text, code } of [
    {
      name: 'characters that are not base64',
      text: `${base64.slice(0, 40)}*!${base64.slice(42)}`,
      code: 'invalid_base64',
    },
    { name: 'a length that no bytes have', text: 'AAAAA', code: 'invalid_base64' },
    { name: 'padding in the middle', text: 'AA==AAAA', code: 'invalid_base64' },
    { name: 'a sentence', text: 'Not base64, but a sentence.', code: 'invalid_base64' },
    { name: 'a data URL without base64', text: 'data:application/pdf,%25PDF', code: 'invalid_base64' },
    { name: 'a data URL without a comma', text: 'data:application/pdf;base64', code: 'invalid_base64' },
    {
      name: 'a data URL with text in place of base64',
      text: `data:text/plain,a;base64,${base64}`,
      code: 'invalid_base64',
    },
    {
      name: 'a data URL with a head of 5000 letters',
      text: `data:application/pdf;name=${'a'.repeat(5000)};base64,${base64}`,
      code: 'invalid_base64',
    },
    { name: 'a path on a drive', text: 'C:\\scan.pdf', code: 'invalid_base64' },
    { name: 'too many bytes', text: Buffer.alloc(MAX_BYTES + 1).toString('base64'), code: 'document_too_large' },
    { name: 'far too many bytes', text: 'A'.repeat(MAX_BYTES * 4), code: 'document_too_large' },
  ]) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(
        decodeInline(jsonTextOf(text), 'messages[0].content[1].file.file_data', MAX_BYTES),
        (error: unknown) =>
          error instanceof GatewayError &&
          error.code === code &&
          error.param === 'messages[0].content[1].file.file_data',
      )
    })
  }

  it('tells what is elsewhere', () => {
    for (const text of [
      'https://example.org/a.pdf',
      ' HTTP://example.org/a.pdf',
      'file:///etc/passwd',
      'file:/etc/passwd',
      'ftp://example.org/a.pdf',
      's3://bucket/a.pdf',
      'gs://bucket/a.pdf',
      'blob:https://example.org/1',
      'cid:part1@example.org',
      'jar:file:///a!/b',
      'http:169.254.169.254',
    ])
      assert.ok(isElsewhere(text), text)
    for (const text of ['data:application/pdf;base64,AAAA', ' DATA:,', 'AAAA', 'C:\\scan.pdf'])
      assert.ok(!isElsewhere(text), text)
  })

  it('knows the file name among the parameters', async () => {
    for (const [parameters, filename] of [
      ['name=a.pdf', 'a.pdf'],
      ['charset=utf-8;filename="a, b.pdf"', 'a, b.pdf'],
      ['name=%E6%96%87.pdf', '文.pdf'],
      ['name=100%.pdf', '100%.pdf'],
      ['charset=utf-8', null],
    ]) {
      const text = jsonTextOf(`data:application/pdf;${parameters};base64,AAAA`)
      assert.equal((await decodeInline(text, 'f', MAX_BYTES)).filename, filename)
    }
  })

  it('reads a document of exactly the largest size, and an empty one', async () => {
    const length = async (text: string) => (await decodeInline(jsonTextOf(text), 'f', MAX_BYTES)).bytes.length
    assert.equal(await length(Buffer.alloc(MAX_BYTES).toString('base64')), MAX_BYTES)
    assert.equal(await length('data:application/pdf;base64,'), 0)
  })
})

/** A text as it stands in a body. */
function written(text: string): JsonText {
  const bytes = Buffer.from(`{"a":"${text}"}`)
  return { bytes, from: 6, to: bytes.length - 2 }
}

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

describe('a document as clients write it in JSON', () => {
  const random = seededRandom(11)
  const large = Buffer.from(Array.from({ length: 600_000 }, () => random.integer(0, 255)))
  const text = large.toString('base64')
  for (const [name, data] of [
    ['plain', text],
    ['with escaped slashes, as PHP does', text.replaceAll('/', '\\/')],
    ['with escaped plus signs, as .NET does', text.replaceAll('+', '\\u002B')],
    ['in lines', text.replace(/.{76}/g, '$&\\r\\n')],
    ['with a blank every four signs', text.replace(/.{4}/g, '$& ')],
    ['percent-encoded', encodeURIComponent(text)],
    ['with every blank there is', text.replace(/.{7000}/g, '$& \u00a0\u2028\ufeff\\u00a0\\f')],
    ['all escaped', Array.from(text.slice(0, 80_000), escaped).join('')],
  ] as const) {
    it(`is read: ${name}`, async () => {
      for (const head of [
        '',
        'data:application/pdf;base64,',
        String.raw`\n data:application\/pdf;name=文\ud83d\ude42🙂.pdf;base64,`,
      ]) {
        const decoded = await decodeInline(written(head + data), 'f', large.length)
        assert.ok(large.subarray(0, decoded.bytes.length).equals(decoded.bytes), head)
        assert.equal(decoded.bytes.length, name === 'all escaped' ? 60_000 : large.length)
      }
    })
  }

  it('is read as Node reads it, wherever blanks, escapes and faults stand', async () => {
    const signs = ['A', 'b', '9', '+', '/', '-', '_', '=', ' ', '\\n', '\\/', '\\u002b', '%2F', '%3d', '*', '\\u00e9', 'é', '\\"', '%', '\\u0020'] // prettier-ignore
    for (let round = 0; round < 5000; round++) {
      const json = Array.from({ length: random.integer(0, 24) }, () => random.pick(random.integer(0, 3) > 0 ? signs.slice(0, 7) : signs)).join('') // prettier-ignore
      const plain = (JSON.parse(`"${json}"`) as string)
        .replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
        .replace(/\s+/g, '')
      const isBase64 = /^(?:[\w+/-]{4})*(?:|[\w+/-]{2}(?:==)?|[\w+/-]{3}=?)$/.test(plain)
      const read = decodeInline(written(json), 'f', MAX_BYTES)
      if (isBase64) assert.deepEqual(Buffer.from((await read).bytes), Buffer.from(plain, 'base64'), json)
      else await assert.rejects(read, (error: unknown) => error instanceof GatewayError && error.code === 'invalid_base64', json) // prettier-ignore
    }
  })

  it('is refused as too large when it is, and not for its blanks', async () => {
    const exact = Buffer.alloc(MAX_BYTES).toString('base64').replace(/.{4}/g, '$&     ')
    assert.equal((await decodeInline(written(exact), 'f', MAX_BYTES)).bytes.length, MAX_BYTES)
    await assert.rejects(decodeInline(written(exact), 'f', MAX_BYTES - 1), { code: 'document_too_large' })
    await assert.rejects(decodeInline(written(text), 'f', 500_000), { code: 'document_too_large' })
  })
})

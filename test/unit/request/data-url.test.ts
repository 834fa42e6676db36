import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from '../../../gateway/errors.ts'
import { decodeInline } from '../../../gateway/request/data-url.ts'

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
    { name: 'bare base64', text: base64, mediaType: null },
    { name: 'base64 without padding', text: base64.replace(/=+$/, ''), mediaType: null },
    { name: 'URL-safe base64', text: bytes.toString('base64url'), mediaType: null },
    { name: 'base64 in lines of 76', text: base64.replace(/.{76}/g, '$&\r\n'), mediaType: null },
  ]) {
    it(`reads ${name}`, () => {
      const decoded = decodeInline(text, 'f', MAX_BYTES)
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
    { name: 'an address', text: 'https://example.org/a.pdf', code: 'url_not_allowed' },
    { name: 'too many bytes', text: Buffer.alloc(MAX_BYTES + 1).toString('base64'), code: 'document_too_large' },
    { name: 'far too many bytes', text: 'A'.repeat(MAX_BYTES * 4), code: 'document_too_large' },
  ]) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => decodeInline(text, 'messages[0].content[1].file.file_data', MAX_BYTES),
        (error: unknown) =>
          error instanceof GatewayError &&
          error.code === code &&
          error.param === 'messages[0].content[1].file.file_data',
      )
    })
  }

  it('reads a document of exactly the largest size, and an empty one', () => {
    assert.equal(decodeInline(Buffer.alloc(MAX_BYTES).toString('base64'), 'f', MAX_BYTES).bytes.length, MAX_BYTES)
    assert.equal(decodeInline('data:application/pdf;base64,', 'f', MAX_BYTES).bytes.length, 0)
  })
})

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
    ...[
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
    ].map((text) => ({ name: `the address ${text}`, text, code: 'url_not_allowed' })),
    { name: 'a path on a drive', text: 'C:\\scan.pdf', code: 'invalid_base64' },
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

  it('knows the file name among the parameters', () => {
    for (const [parameters, filename] of [
      ['name=a.pdf', 'a.pdf'],
      ['charset=utf-8;filename="a, b.pdf"', 'a, b.pdf'],
      ['name=%E6%96%87.pdf', '文.pdf'],
      ['name=100%.pdf', '100%.pdf'],
      ['charset=utf-8', null],
    ]) {
      assert.equal(decodeInline(`data:application/pdf;${parameters};base64,AAAA`, 'f', MAX_BYTES).filename, filename)
    }
  })

  it('reads a document of exactly the largest size, and an empty one', () => {
    assert.equal(decodeInline(Buffer.alloc(MAX_BYTES).toString('base64'), 'f', MAX_BYTES).bytes.length, MAX_BYTES)
    assert.equal(decodeInline('data:application/pdf;base64,', 'f', MAX_BYTES).bytes.length, 0)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { acceptedMediaType, describeBytes } from '../../../gateway/document/media-type.ts'
import type { SourceFacts } from '../../../gateway/document/source.ts'
import { GatewayError } from '../../../gateway/errors.ts'
import { sniffMediaType } from '../../../gateway/rasterizer/media-type.ts'

const png = '\x89PNG\r\n\x1a\n'
const zip = 'PK\x03\x04'

describe('the media type of a document', () => {
  const known = [
    { name: 'a PDF', start: '%PDF-1.7\n', expected: 'application/pdf' },
    {
      name: 'a PDF behind 1000 bytes of mail header',
      start: `${'X'.repeat(1000)}%PDF-1.4`,
      expected: 'application/pdf',
    },
    { name: 'a PNG', start: png, expected: 'image/png' },
    { name: 'a PNG that contains %PDF-', start: `${png}%PDF-`, expected: 'image/png' },
    { name: 'a JPEG', start: '\xff\xd8\xff\xe0', expected: 'image/jpeg' },
    { name: 'a WebP', start: 'RIFF\x10\0\0\0WEBPVP8 ', expected: 'image/webp' },
    { name: 'a GIF', start: 'GIF89a\x01\0', expected: 'image/gif' },
    { name: 'a TIFF', start: 'II*\0\x08\0\0\0', expected: 'image/tiff' },
    { name: 'a TIFF with its largest byte first', start: 'MM\0*\0\0\0\x08', expected: 'image/tiff' },
    { name: 'a BigTIFF', start: 'II+\0\x08\0\0\0', expected: 'image/tiff' },
    { name: 'an AVIF', start: '\0\0\0\x1cftypavif\0\0\0\0mif1miaf', expected: 'image/avif' },
    { name: 'an AVIF by its second brand', start: '\0\0\0\x1cftypmif1\0\0\0\0mif1avif', expected: 'image/avif' },
    { name: 'a HEIC', start: '\0\0\0\x18ftypheic\0\0\0\0mif1heic', expected: 'image/heic' },
    { name: 'a HEIF of any codec', start: '\0\0\0\x14ftypmif1\0\0\0\0mif1', expected: 'image/heic' },
    { name: 'a film, which is of the same family', start: '\0\0\0\x18ftypisom\0\0\0\0isomavc1', expected: null },
    { name: 'a JPEG 2000 file', start: '\0\0\0\x0cjP  \r\n\x87\n', expected: 'image/jp2' },
    { name: 'a JPEG 2000 codestream', start: '\xff\x4f\xff\x51\0\x29', expected: 'image/jp2' },
    { name: 'a BMP', start: `BM${'\0'.repeat(12)}\x28\0\0\0`, expected: 'image/bmp' },
    { name: 'a BMP of OS/2', start: `BM${'\0'.repeat(12)}\x0c\0\0\0`, expected: 'image/bmp' },
    { name: 'a text that begins with BM', start: 'BMW invoice of the first of May', expected: null },
    { name: 'a WAV, which is RIFF as well', start: 'RIFF\x10\0\0\0WAVEfmt ', expected: null },
    { name: 'a PDF header beyond 1024 bytes', start: `${'X'.repeat(1025)}%PDF-1.4`, expected: null },
    { name: 'nothing', start: '', expected: null },
  ]
  for (const { name, start, expected } of known) {
    it(`comes from the bytes: ${name}`, () => assert.equal(sniffMediaType(bytes(start)), expected))
  }

  const others: { start: string; filename?: string; expected: string }[] = [
    { start: '\0\0\0\x18ftypisom', expected: 'an MP4 or QuickTime file' },
    { start: '\0\0\0\x0cJXL \r\n\x87\n', expected: 'a JPEG XL image' },
    { start: 'BMW invoice', expected: 'plain text' },
    { start: `${zip}..[Content_Types].xml..word/document.xml`, expected: 'a Word document (DOCX)' },
    { start: `${zip}..[Content_Types].xml..`, expected: 'an Office document (DOCX, XLSX or PPTX)' },
    { start: `${zip}..photo.raw`, expected: 'a ZIP archive' },
    {
      start: '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1',
      expected: 'an old Office document (DOC, XLS, PPT) or an Outlook message (MSG)',
    },
    { start: '\n<!DOCTYPE html><html>', expected: 'an HTML page' },
    { start: '<?xml version="1.0"?>\n<svg xmlns="">', expected: 'an SVG image' },
    { start: 'Dear Sir,\r\n', expected: 'plain text' },
    { start: 'JVBERi0x'.repeat(20), expected: 'base64 text: decode it once more before sending' },
    { start: 'JVBERi0x'.repeat(2), expected: 'base64 text: decode it once more before sending' },
    { start: 'iVBORw0KGgoAAAANSUhEUgAA\n'.repeat(3), expected: 'base64 text: decode it once more before sending' },
    {
      start: `data:application/pdf;base64,${'JVBERi0x'.repeat(20)}`,
      expected: 'a data URL: decode it once more before sending',
    },
    {
      start: 'Dear Sir\nthank you for your letter of the first of May\nwhich we have read with care\n',
      expected: 'plain text',
    },
    { start: 'QWERTYUIOP'.repeat(20), expected: 'plain text' },
    { start: 'Gr\xfc\xdfe aus K\xf6ln, und bis bald\r\n', expected: 'plain text' },
    { start: '\xff\xfeD\0e\0a\0r\0', expected: 'plain text in UTF-16' },
    { start: 'name,amount\nbolt,3\nnut,4\n', expected: 'a CSV table' },
    { start: 'name;amount\r\n"bolt; M8";3\r\nnut;4\r\n', expected: 'a CSV table' },
    { start: 'name\tamount\nbolt\t3\nnut\t4\n', expected: 'a CSV table' },
    { start: 'item no 1\nitem no 2\nitem no 3\n', expected: 'plain text' },
    { start: 'one,two\n', filename: 'data.CSV', expected: 'a CSV table' },
    { start: '{"invoice": 1, "lines": []}', expected: 'JSON' },
    { start: '[\n  {"a": 1}\n]', expected: 'JSON' },
    { start: '[1] Smith, The whale, 1990\n', expected: 'plain text' },
    { start: '# Minutes\n\nPresent: all\n', expected: 'Markdown text' },
    { start: 'Present: all\n', filename: 'notes.md', expected: 'Markdown text' },
    { start: '<table border="1"><tr>', expected: 'an HTML page' },
    {
      start: 'Return-Path: <a@b.example>\r\nReceived: from x\r\n\tby y\r\n\r\nHello',
      expected: 'an e-mail message (EML)',
    },
    { start: 'From: Ana\nTo: Ben\n\nDear Ben', expected: 'plain text' },
    { start: 'BEGIN:VCARD\nFN:Ana\n', expected: 'a contact (VCF)' },
    { start: '{\\rtf1\\ansi', expected: 'a rich-text document' },
    { start: '\0\x01\x02\x03', expected: 'unknown binary data' },
    { start: '\x90\xfe\xc1\xff\xf8\xa0', expected: 'unknown binary data' },
  ]
  for (const { start, filename = null, expected } of others) {
    it(`is described where it is not accepted: ${expected}, ${JSON.stringify(start.slice(0, 20))}`, () =>
      assert.equal(describeBytes(bytes(start), filename), expected))
  }

  it('is what the bytes show when the client declares something else', () => {
    assert.equal(acceptedMediaType(bytes(png), facts({ declaredMediaType: 'image/jpeg' })), 'image/png')
    assert.equal(acceptedMediaType(bytes(png), facts({ filename: 'scan.pdf' })), 'image/png')
  })

  const refused = [
    { name: 'no bytes', text: '', code: 'document_empty', says: /no bytes/ },
    {
      name: 'a Word document',
      text: `${zip}word/`,
      code: 'unsupported_media_type',
      says: /DOCX.*Send PDF, PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF, HEIC or JPEG 2000/,
    },
    {
      name: 'an HTML page that is declared a PDF',
      text: '<html>',
      source: { declaredMediaType: 'Application/PDF; charset=utf-8' },
      code: 'document_unreadable',
      says: /not a PDF: it looks like an HTML page/,
    },
    {
      name: 'text that is named a PDF',
      text: '404 not found',
      source: { filename: 'Report.PDF' },
      code: 'document_unreadable',
      says: /not a PDF: it looks like plain text/,
    },
  ]
  for (const row of refused) {
    it(`is refused with the field at fault: ${row.name}`, () => {
      assert.throws(
        () => acceptedMediaType(bytes(row.text), facts(row.source)),
        (error) => {
          assert.ok(error instanceof GatewayError)
          assert.deepEqual([error.code, error.param], [row.code, 'the.field'])
          assert.match(error.message, row.says)
          return true
        },
      )
    })
  }
})

function bytes(latin1: string): Uint8Array {
  return Buffer.from(latin1, 'latin1')
}

function facts(known: Partial<SourceFacts> = {}): SourceFacts {
  return { param: 'the.field', filename: null, declaredMediaType: null, password: null, ...known }
}

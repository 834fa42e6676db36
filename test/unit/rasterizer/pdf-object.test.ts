import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deflateSync } from 'node:zlib'
import { wholeBytes } from '../../../gateway/rasterizer/document-bytes.ts'
import { openFile } from '../../../gateway/rasterizer/pdf-file.ts'
import { mayHideLayers, securityHandler } from '../../../gateway/rasterizer/pdf-object.ts'
import { makePdf } from '../../support/make-pdf.ts'
import { pdfStream, writePdf } from '../../support/write-pdf.ts'

const fileOf = (bytes: Uint8Array) => openFile(wholeBytes(bytes))
/** Objects as PDF 1.5 packs them; what they are does not matter here. */
const packed = (content: string) =>
  writePdf([pdfStream(deflateSync(Buffer.from(content)), '/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode')])
const catalog = (layers: string) => `<< /Type /Catalog /OCProperties << /OCGs [5 0 R] /D << ${layers} >> >> >>`

describe('whether a layer of a PDF may be off', () => {
  for (const { name, bytes, expected } of [
    { name: 'none', bytes: makePdf([{ number: 1 }]), expected: false },
    { name: 'all on', bytes: writePdf([catalog('/ON [5 0 R] /OFF []')]), expected: false },
    { name: 'one off', bytes: writePdf([catalog('/OFF [5 0 R]')]), expected: true },
    { name: 'off, in a list of its own', bytes: writePdf([catalog('/OFF 7 0 R')]), expected: true },
    { name: 'all off', bytes: writePdf([catalog('/BaseState /OFF')]), expected: true },
    { name: 'off for viewers', bytes: writePdf(['<< /Usage << /View << /ViewState/OFF>> >> >>']), expected: true },
    { name: 'shown when another is off', bytes: writePdf(['<< /Type /OCMD /P /AllOff >>']), expected: true },
    { name: 'shown by an expression', bytes: writePdf(['<< /Type /OCMD /VE [/Not 5 0 R] >>']), expected: true },
    { name: 'packed, all on', bytes: packed(catalog('/ON [5 0 R]')), expected: false },
    { name: 'packed, one off', bytes: packed(catalog('/OFF [5 0 R]')), expected: true },
    { name: 'packed, and damaged', bytes: writePdf([pdfStream('x', '/Type /ObjStm /N 1')]), expected: true },
    {
      name: 'a button that is off',
      bytes: writePdf(['<< /AS /Off /AP << /N << /Off 5 0 R >> >> >>']),
      expected: false,
    },
  ])
    it(`is known: ${name}`, () => assert.equal(mayHideLayers(fileOf(bytes)), expected))
})

describe('by what a PDF is encrypted', () => {
  const encrypted = (trailer: string, object = '<< /Filter /Standard /V 2 >>') =>
    securityHandler(fileOf(writePdf(['<< /Type /Catalog >>', object], { trailer })))
  for (const { name, found, expected } of [
    { name: 'nothing', found: securityHandler(fileOf(makePdf([{ number: 1 }]))), expected: null },
    { name: 'a password', found: encrypted('/Encrypt 2 0 R '), expected: 'Standard' },
    {
      name: 'a certificate',
      found: encrypted('/Encrypt 2 0 R ', '<</Filter/Adobe.PubSec>>'),
      expected: 'Adobe.PubSec',
    },
    { name: 'its trailer itself', found: encrypted('/Encrypt << /V 4 /Filter /Own >> '), expected: 'Own' },
    { name: 'an object that is not there', found: encrypted('/Encrypt 9 0 R '), expected: null },
    {
      name: 'a word in its text',
      found: securityHandler(fileOf(Buffer.from('(see /Encrypt and /EncryptMetadata)'))),
      expected: null,
    },
  ])
    it(`is known: ${name}`, () => assert.equal(found, expected))
})

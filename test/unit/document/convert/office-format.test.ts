import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lookAt, type LookedAt } from '../../../../gateway/document/convert/looked-at.ts'
import { findOfficeFormat } from '../../../../gateway/document/convert/office-format.ts'
import { makeCompoundFile, makeDocx, makeZip } from '../../../fixtures/office-documents.ts'

const extensionOf = async (bytes: Uint8Array, filename: string | null = null): Promise<string | null> =>
  (await findOfficeFormat(lookAt(bytes), filename))?.extension ?? null

const openDocument = (kind: string): Buffer =>
  makeZip(['content.xml'], { name: 'mimetype', text: `application/vnd.oasis.opendocument.${kind}` })

/** Bytes of which is counted how many are read. */
function counted(bytes: Uint8Array) {
  const read = { bytes: 0, times: 0 }
  const looked: LookedAt = {
    length: bytes.length,
    async read(length, from) {
      read.bytes += length
      read.times += 1
      return bytes.subarray(from, from + length)
    },
  }
  return { looked, read }
}

describe('the format of an Office document', () => {
  const types = '[Content_Types].xml'
  const rows: readonly { name: string; bytes: Uint8Array; filename?: string; extension: string | null }[] = [
    { name: 'Word', bytes: makeDocx(), extension: 'docx' },
    { name: 'Word, with its types at the end', bytes: makeZip(['word/document2.xml', types]), extension: 'docx' },
    { name: 'Excel', bytes: makeZip([types, 'xl/workbook.xml']), extension: 'xlsx' },
    { name: 'Excel, in binary', bytes: makeZip([types, 'xl/workbook.bin']), extension: 'xlsb' },
    { name: 'PowerPoint', bytes: makeZip([types, 'ppt/presentation.xml']), extension: 'pptx' },
    { name: 'Visio', bytes: makeZip([types, 'visio/document.xml']), extension: 'vsdx' },
    { name: 'a text of LibreOffice', bytes: openDocument('text'), extension: 'odt' },
    { name: 'a template, which begins alike', bytes: openDocument('text-template'), extension: 'ott' },
    { name: 'a table of LibreOffice', bytes: openDocument('spreadsheet'), extension: 'ods' },
    { name: 'slides of LibreOffice', bytes: openDocument('presentation'), extension: 'odp' },
    {
      name: 'a book',
      bytes: makeZip(['a.xhtml'], { name: 'mimetype', text: 'application/epub+zip' }),
      extension: 'epub',
    },
    { name: 'an old Word', bytes: makeCompoundFile(['WordDocument', '1Table']), extension: 'doc' },
    { name: 'an old Excel', bytes: makeCompoundFile(['Workbook']), extension: 'xls' },
    { name: 'a very old Excel', bytes: makeCompoundFile(['Book']), extension: 'xls' },
    { name: 'an old PowerPoint', bytes: makeCompoundFile(['Pictures', 'PowerPoint Document']), extension: 'ppt' },
    {
      name: 'an old Excel with a text of Word in it',
      bytes: makeCompoundFile(['Workbook'], ['WordDocument']),
      extension: 'xls',
    },
    {
      name: 'encrypted, by its name',
      bytes: makeCompoundFile(['EncryptedPackage']),
      filename: 'A.XLSX',
      extension: 'xlsx',
    },
    {
      name: 'encrypted, with macros',
      bytes: makeCompoundFile(['EncryptedPackage']),
      filename: 'a.xlsm',
      extension: 'xlsx',
    },
    {
      name: 'encrypted, a template',
      bytes: makeCompoundFile(['EncryptedPackage']),
      filename: 'a.potx',
      extension: 'pptx',
    },
    { name: 'encrypted, without one', bytes: makeCompoundFile(['EncryptedPackage']), extension: 'docx' },
    { name: 'rich text', bytes: Buffer.from('{\\rtf1\\ansi Hello}'), extension: 'rtf' },
    { name: 'a web page', bytes: Buffer.from('<!doctype html><p>Hello'), filename: 'a.docx', extension: 'html' },
    { name: 'no Office: an archive', bytes: makeZip(['photo.raw']), extension: null },
    {
      name: 'no Office: a library of Java',
      bytes: makeZip(['META-INF/MANIFEST.MF', 'word/Main.class']),
      extension: null,
    },
    { name: 'no Office: an Outlook message', bytes: makeCompoundFile(['__properties_version1.0']), extension: null },
    { name: 'no Office: mail', bytes: Buffer.from('From: a@b.example\nMIME-Version: 1.0\n\n<html>'), extension: null },
    { name: 'no Office: a text that says so', bytes: Buffer.from('a,b\n1,2\n'), filename: 'a.xlsx', extension: null },
    { name: 'an archive that is cut off', bytes: makeDocx().subarray(0, 100), extension: null },
    { name: 'an archive of four bytes', bytes: Buffer.from('PK\x03\x04'), extension: null },
    {
      name: 'a compound file that is cut off',
      bytes: makeCompoundFile(['WordDocument']).subarray(0, 1100),
      extension: null,
    },
    { name: 'a compound file of eight bytes', bytes: makeCompoundFile([]).subarray(0, 8), extension: null },
  ]
  for (const { name, bytes, filename, extension } of rows)
    it(`is told by its content: ${name}`, async () => {
      assert.equal(await extensionOf(bytes, filename), extension)
    })

  it('is found in an archive of twenty thousand entries without reading all of their names', async () => {
    const bomb = makeZip([types, 'word/document.xml', ...Array.from({ length: 20_000 }, (_, index) => `${index}`)])
    const { looked, read } = counted(bomb)
    assert.equal((await findOfficeFormat(looked, null))?.extension, 'docx')
    assert.ok(read.bytes < 400_000, `${read.bytes} bytes were read`)
  })

  it('ends where the list of a compound file leads back to itself', async () => {
    const file = makeCompoundFile(['A', 'B', 'C', 'D', 'E'])
    file.writeUInt32LE(1, 512 + 4)
    const { looked, read } = counted(file)
    assert.equal(await findOfficeFormat(looked, null), null)
    assert.ok(read.times < 200, `${read.times} times was read`)
  })

  it('ends where the tree of a compound file leads back to itself', async () => {
    const file = makeCompoundFile(['A', 'B'])
    file.writeUInt32LE(1, 1024 + 128 + 72)
    assert.equal(await extensionOf(file), null)
  })

  it('is none where an archive says that its list lies beyond its end', async () => {
    const file = makeDocx()
    file.writeUInt32LE(0xffffff, file.length - 6)
    assert.equal(await extensionOf(file), null)
  })
})

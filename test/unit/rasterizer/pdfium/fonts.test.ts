import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { createCanvas, GlobalFonts } from '@napi-rs/canvas'
import sharp from 'sharp'
import { toGray } from '../../../../gateway/prepare/bitmap.ts'
import { substituteFamily } from '../../../../gateway/rasterizer/pdfium/fonts.ts'
import {
  facesOf,
  hanFonts,
  hangulFonts,
  monospaceFonts,
  openFontFamilies,
  sansFonts,
  serifFonts,
} from '../../../../gateway/rasterizer/open-fonts.ts'
import { openPdf } from '../../../../gateway/rasterizer/open-pdf.ts'

const CELL = 100
const ANSI = 0
const SYMBOL = 2

describe('a font that is not in the PDF', () => {
  const rows = [
    { name: 'HeiseiMin-W3', charset: 128, family: hanFonts },
    { name: 'Dotum', charset: 129, family: hangulFonts },
    { name: 'STSong', charset: 134, family: hanFonts },
    { name: 'PMingLiU', charset: 136, family: hanFonts },
    { name: 'MS-Gothic', charset: SYMBOL, family: hanFonts },
    { name: 'MalgunGothic', charset: ANSI, family: hangulFonts },
    { name: 'Helvetica-BoldOblique', charset: ANSI, family: sansFonts },
    { name: 'Times-Roman', charset: ANSI, family: serifFonts },
    { name: 'Courier-Bold', charset: ANSI, family: monospaceFonts },
    { name: 'CenturyGothic', charset: ANSI, family: null },
    { name: 'FranklinGothic-Medium', charset: ANSI, family: null },
    { name: 'Wingdings', charset: SYMBOL, family: null },
  ]
  for (const { name, charset, family } of rows) {
    it(`is replaced by ${family?.regular.family ?? "PDFium's own"}: ${name}, charset ${charset}`, () => {
      assert.equal(substituteFamily(name, charset), family)
    })
  }

  it('is replaced by files that PDFium and the canvas can read', () => {
    for (const { path } of openFontFamilies.flatMap(facesOf)) {
      const signature = readFileSync(path).toString('latin1', 0, 4)
      assert.ok(['OTTO', '\0\x01\0\0'].includes(signature), path)
    }
  })
})

describe('text whose font is not in the PDF', () => {
  const texts = [
    { name: 'Japanese', text: '日本語ひカナ', font: cidFont('MS-Mincho', 'UniJIS-UCS2-H', 'Japan1') },
    { name: 'Simplified Chinese', text: '汉字简体龙', font: cidFont('SimSun', 'UniGB-UCS2-H', 'GB1') },
    { name: 'Simplified Chinese in bold', text: '汉字简体龙', font: cidFont('SimHei,Bold', 'UniGB-UCS2-H', 'GB1') },
    { name: 'Traditional Chinese', text: '漢字繁體龍', font: cidFont('MingLiU', 'UniCNS-UCS2-H', 'CNS1') },
    { name: 'Korean', text: '한국어가나', font: cidFont('Batang', 'UniKS-UCS2-H', 'Korea1') },
    {
      name: 'Japanese by numbers of glyphs',
      text: '日本語ひカナ',
      font: cidFont('MS-Gothic', 'Identity-H', 'Identity'),
    },
    {
      name: 'Russian',
      text: 'ЖДФЯЮ',
      font: simpleFont('Arial', ['afii10024', 'afii10021', 'afii10038', 'afii10049', 'afii10048']),
    },
  ]
  for (const rasterizer of ['pdfium', 'pdfjs'] as const) {
    for (const { name, text, font } of texts) {
      it(`is readable, drawn by ${rasterizer}: ${name}`, async () => {
        const drawn = await drawCells(onePage(text, font), rasterizer, text.length)
        assert.equal(await read(drawn, text), text)
      })
    }
  }
})

/** A PDF with each character in a square of its own. */
function onePage(text: string, font: string): Uint8Array {
  const codes = text.split('').map((character, index) => codeOf(character, index, font))
  const shown = codes.map((code, index) => `BT /F1 70 Tf ${index * CELL + 15} 25 Td <${code}> Tj ET`).join('\n')
  const map = toUnicode(text)
  return Buffer.from(`%PDF-1.4
1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj
2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj
3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 ${text.length * CELL} ${CELL}] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >> endobj
4 0 obj << /Length ${shown.length} >> stream
${shown}
endstream endobj
5 0 obj ${font} endobj
6 0 obj << /Length ${map.length} >> stream
${map}
endstream endobj
trailer << /Root 1 0 R >>`)
}

/** As its font counts: by UTF-16, by numbers that mean nothing, or from A. */
function codeOf(character: string, index: number, font: string): string {
  if (font.includes('/Identity-H')) return hex(FIRST_GLYPH + index, 4)
  return font.includes('/Type0') ? hex(character.charCodeAt(0), 4) : hex('A'.charCodeAt(0) + index, 2)
}

const FIRST_GLYPH = 300

function toUnicode(text: string): string {
  const lines = text
    .split('')
    .map((character, index) => `<${hex(FIRST_GLYPH + index, 4)}> <${hex(character.charCodeAt(0), 4)}>`)
  return `/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Test def /CMapType 2 def
1 begincodespacerange <0000> <FFFF> endcodespacerange
${text.length} beginbfchar
${lines.join('\n')}
endbfchar
endcmap end end`
}

function cidFont(name: string, encoding: string, ordering: string): string {
  const map = encoding === 'Identity-H' ? '/ToUnicode 6 0 R' : ''
  return `<< /Type /Font /Subtype /Type0 /BaseFont /${name} /Encoding /${encoding} ${map} /DescendantFonts [<<
/Type /Font /Subtype /CIDFontType2 /BaseFont /${name} /DW 1000 /FontDescriptor ${descriptor(name, 4)}
/CIDSystemInfo << /Registry (Adobe) /Ordering (${ordering}) /Supplement 2 >> >>] >>`
}

function simpleFont(name: string, glyphs: readonly string[]): string {
  const widths = glyphs.map(() => 900).join(' ')
  return `<< /Type /Font /Subtype /TrueType /BaseFont /${name} /FirstChar 65 /LastChar ${64 + glyphs.length}
/Widths [${widths}] /FontDescriptor ${descriptor(name, 32)}
/Encoding << /BaseEncoding /WinAnsiEncoding /Differences [65 ${glyphs.map((glyph) => `/${glyph}`).join(' ')}] >> >>`
}

function descriptor(name: string, flags: number): string {
  return `<< /Type /FontDescriptor /FontName /${name} /Flags ${flags} /StemV 80 /ItalicAngle 0 /Ascent 880
/Descent -120 /CapHeight 700 /FontBBox [0 -120 1000 880] >>`
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

async function drawCells(bytes: Uint8Array, rasterizer: 'pdfium' | 'pdfjs', count: number): Promise<Buffer[]> {
  await using pdf = await openPdf(bytes, rasterizer, { password: null, maxImagePixels: 1e8, maxMemoryBytes: 1e9 })
  const size = { width: count * CELL, height: CELL }
  const { bitmap } = await pdf.draw(
    1,
    () => size,
    () => false,
  )
  const gray = toGray(bitmap)
  assert.ok(gray !== null, 'black text came out with colour')
  return Promise.all(Array.from({ length: count }, (_, index) => glyphIn(gray, size.width, index)))
}

/** Says which character of the text each drawn one looks like most. */
async function read(drawn: readonly Buffer[], text: string): Promise<string> {
  const known = await Promise.all(
    text.split('').map(async (character) => ({ character, glyph: await glyphOf(character) })),
  )
  const nearest = (glyph: Buffer) =>
    known.toSorted((one, other) => distance(glyph, one.glyph) - distance(glyph, other.glyph))[0]?.character ?? ''
  return drawn.map((glyph) => nearest(glyph)).join('')
}

async function glyphOf(character: string): Promise<Buffer> {
  // Under names of the test's own, so that pdf.js cannot owe them to it.
  for (const { path } of [hanFonts.regular, hangulFonts.regular, sansFonts.regular]) {
    GlobalFonts.registerFromPath(path, `Test ${path}`)
  }
  const context = createCanvas(CELL, CELL).getContext('2d')
  context.fillStyle = '#fff'
  context.fillRect(0, 0, CELL, CELL)
  context.fillStyle = '#000'
  const names = [hanFonts, hangulFonts, sansFonts].map(({ regular }) => `"Test ${regular.path}"`)
  context.font = `70px ${names.join(', ')}`
  context.fillText(character, 15, 75)
  const { data } = context.getImageData(0, 0, CELL, CELL)
  return glyphIn(
    Uint8Array.from({ length: CELL * CELL }, (_, pixel) => data[pixel * 4] ?? 0),
    CELL,
    0,
  )
}

/** What is in a square, without its margins, as 16 × 16 pixels. Throws when there is nothing. */
function glyphIn(gray: Uint8Array, width: number, index: number): Promise<Buffer> {
  return sharp(gray, { raw: { width, height: CELL, channels: 1 } })
    .extract({ left: index * CELL, top: 0, width: CELL, height: CELL })
    .png()
    .toBuffer()
    .then((cell) => sharp(cell).trim({ background: '#fff', threshold: 64 }).toBuffer({ resolveWithObject: true }))
    .then(({ data, info }) => {
      assert.ok(info.width < CELL && info.height < CELL, `character ${index + 1} was not drawn`)
      return sharp(data).resize(16, 16, { fit: 'fill' }).toColourspace('b-w').raw().toBuffer()
    })
}

function distance(one: Uint8Array, other: Uint8Array): number {
  return one.reduce((sum, value, at) => sum + Math.abs(value - (other[at] ?? 0)), 0)
}

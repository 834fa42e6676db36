import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import sharp from 'sharp'
import { openImage } from '../../../../gateway/rasterizer/image/open-image.ts'
import { targetSize } from '../../../../gateway/page/target-size.ts'
import { limitsOf } from '../../../support/image-limits.ts'

// Every image here is 64 × 32: its left half black, its right half white.
const halves = sharp(Buffer.from([...Array(2048).keys()].map((index) => (index % 64 < 32 ? 0 : 255))), {
  raw: { width: 64, height: 32, channels: 1 },
})

// No encoder of these is installed; made with Pillow 13 and pillow-heif 1.8.
const jp2 = Buffer.from(
  [
    'AAAADGpQICANCocKAAAAFGZ0eXBqcDIgAAAAAGpwMiAAAAAtanAyaAAAABZpaGRyAAAAIAAAAEAAAwcHAAAAAAAPY29scgEAAAAA',
    'ABAAAAFbanAyY/9P/1EALwAAAAAAQAAAACAAAAAAAAAAAAAAAEAAAAAgAAAAAAAAAAAAAwcBAQcBAQcBAf9SAAwAAAABAAUEBAAB',
    '/1wAE0BASEhQSEhQSEhQSEhQSEhQ/2QAJQABQ3JlYXRlZCBieSBPcGVuSlBFRyB2ZXJzaW9uIDIuNS40/5AACgAAAAAA1AAB/5Pf',
    'gCAHuch/34AgB7nIf9+AIAe5yH/H2gYACbQLx9oGAAm0C8faBgAJtAvH2gwADgXHqSIZx9oMAA4Fx6kiGcfaDAAOBcepIhnPwCQh',
    'be4j9ap3j87PwCQhbe4j9ap3j87PwCQhbe4j9ap3j87PwEA18j2wXMDmIru7JgBIPsUXz8BANfI9sFzA5iK7uyYASD7FF8/AQDXy',
    'PbBcwOYiu7smAEg+xRfH2g4AXvrFMS7/f8faDgBe+sUxLv9/x9oOAF76xTEu/3//2Q==',
  ].join(''),
  'base64',
)
const codestream = Buffer.from(
  [
    '/0//UQApAAAAAABAAAAAIAAAAAAAAAAAAAAAQAAAACAAAAAAAAAAAAABBwEB/1IADAAAAAEABQQEAAH/XAATQEBISFBISFBISFBI',
    'SFBISFD/ZAAlAAFDcmVhdGVkIGJ5IE9wZW5KUEVHIHZlcnNpb24gMi41LjT/kAAKAAAAAABQAAH/k9+AIAe5yH/H2gYACbQLx9oM',
    'AA4Fx6kiGc/AJCFt7iP1qnePzs/AQDXyPbBcwOYiu7smAEg+xRfH2g4AXvrFMS7/f//Z',
  ].join(''),
  'base64',
)
const jp2WithAlpha = Buffer.from(
  [
    'AAAADGpQICANCocKAAAAFGZ0eXBqcDIgAAAAAGpwMiAAAABPanAyaAAAABZpaGRyAAAAIAAAAEAABAcHAAAAAAAPY29scgEAAAAA',
    'ABAAAAAiY2RlZgAEAAAAAAABAAEAAAACAAIAAAADAAMAAQAAAAABoGpwMmP/T/9RADIAAAAAAEAAAAAgAAAAAAAAAAAAAABAAAAA',
    'IAAAAAAAAAAAAAQHAQEHAQEHAQEHAQH/UgAMAAAAAQAFBAQAAf9cABNAQEhIUEhIUEhIUEhIUEhIUP9kACUAAUNyZWF0ZWQgYnkg',
    'T3BlbkpQRUcgdmVyc2lvbiAyLjUuNP+QAAoAAAAAARYAAf+T34AgB7nIf9+AIAe5yH/fgCAHuch/34AgB7nIf8faBgAJtAvH2gYA',
    'CbQLx9oGAAm0C8faBgAJtAvH2gwADgXHqSIZx9oMAA4Fx6kiGcfaDAAOBcepIhnH2gwADgXHqSIZz8AkIW3uI/Wqd4/Oz8AkIW3u',
    'I/Wqd4/Oz8AkIW3uI/Wqd4/Oz8AkIW3uI/Wqd4/Oz8BANfI9sFzA5iK7uyYASD7FF8/AQDXyPbBcwOYiu7smAEg+xRfPwEA18j2w',
    'XMDmIru7JgBIPsUXz8BANfI9sFzA5iK7uyYASD7FF8faDgBe+sUxLv9/x9oOAF76xTEu/3/H2g4AXvrFMS7/f8faDgBe+sUxLv9/',
    '/9k=',
  ].join(''),
  'base64',
)
const heic = Buffer.from(
  [
    'AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA',
    'ACJpbG9jAAAAAERAAAEAAQAAAAABoQABAAAAAAAAAH0AAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRt',
    'AAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMA',
    'AAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5j',
    'bHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAIAAAAAEAAAAAAAAAAv///+AAAAACAAAAEHBp',
    'eGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAAIVtZGF0AAAAeSgBrxOA+FDQp///dch8BOP+PhNSKMJXXF2z5Ev0',
    'csoOtuaFuRnviS4EccEUJBEcwn67S4AFtdFL4N64JuBBsUI3NdWd10ccZFD+06NaCoD2jaAU+eWVUc2qJtKjnoc6Gkbr3wQCQQAe',
    'NKbCikbgidMpDT2bVvlxvMg=',
  ].join(''),
  'base64',
)
const faxTiff = Buffer.from(
  [
    'SUkqAIgAAAAAEbBqABGwagARsGoAEbBqABGwagARsGoAEbBqABGwagARsGoAEbBqABGwagARsGoAEbBqABGwagARsGoAEbBqABGw',
    'agARsGoAEbBqABGwagARsGoAEbBqABGwagARsGoAEbBqABGwagARsGoAEbBqABGwagARsGoAEbBqABGwagkAAAEDAAEAAABAAAAA',
    'AQEDAAEAAAAgAAAAAgEDAAEAAAABAAAAAwEDAAEAAAADAAAABgEDAAEAAAABAAAAEQEEAAEAAAAIAAAAFgEDAAEAAAAgAAAAFwEE',
    'AAEAAACAAAAAHAEDAAEAAAABAAAAAAAAAA==',
  ].join(''),
  'base64',
)

const runLengthBmp = bmpFile(8, 1, { width: 64, height: 32 }, [
  // Runs of a length and an index into the palette; a row ends with 0 0, the image with 0 1.
  ...Array<Buffer>(32).fill(Buffer.from([32, 0, 32, 1, 0, 0])),
  Buffer.from([0, 1]),
])
const avif = await halves.clone().avif().toBuffer()
const gif = await halves.clone().gif().toBuffer()

describe('an image of a format', async () => {
  const formats = [
    { name: 'AVIF', bytes: avif },
    { name: 'HEIC', bytes: heic },
    { name: 'JPEG 2000 in a file', bytes: jp2 },
    { name: 'JPEG 2000 as a bare codestream', bytes: codestream },
    { name: 'TIFF, PackBits', bytes: await tiff({ compression: 'packbits' }) },
    { name: 'TIFF, LZW', bytes: await tiff({ compression: 'lzw' }) },
    { name: 'TIFF, Deflate with predictor, tiled', bytes: await tiff({ compression: 'deflate', tile: true }) },
    { name: 'TIFF, JPEG', bytes: await tiff({ compression: 'jpeg' }) },
    { name: 'TIFF, G4', bytes: await tiff({ compression: 'ccittfax4', bitdepth: 1 }) },
    {
      name: 'TIFF, G4, black is zero not',
      bytes: await tiff({ compression: 'ccittfax4', bitdepth: 1, miniswhite: true }),
    },
    { name: 'TIFF, G3', bytes: faxTiff },
    { name: 'BigTIFF', bytes: await tiff({ bigtiff: true }) },
    { name: 'GIF', bytes: gif },
    { name: 'BMP, 24 bits', bytes: bmp({ bits: 24 }) },
    { name: 'BMP, 24 bits, rows from the top', bytes: bmp({ bits: 24, isTopDown: true }) },
    { name: 'BMP, 16 bits', bytes: bmp({ bits: 16 }) },
    { name: 'BMP, 8 bits', bytes: bmp({ bits: 8 }) },
    { name: 'BMP, 1 bit', bytes: bmp({ bits: 1 }) },
    { name: 'BMP, run-length encoded', bytes: runLengthBmp },
  ]
  for (const { name, bytes } of formats) {
    it(`is drawn: ${name}`, async () => {
      const drawn = await draw(bytes)
      assert.deepEqual([drawn.width, drawn.height], [64, 32])
      assert.deepEqual([tone(drawn, 8, 4), tone(drawn, 24, 28), tone(drawn, 40, 4), tone(drawn, 56, 28)], halvesTones)
    })

    it(`is refused by its header when it has too many pixels: ${name}`, async () => {
      await assert.rejects(openImage(bytes, limitsOf(64 * 32 - 1)), {
        code: 'page_too_large',
        message: /64 × 32 pixels/,
      })
    })

    it(`is unreadable when it is cut off, whatever could still be drawn: ${name}`, async () => {
      for (const part of [0.3, 0.6, 0.9]) {
        await assert.rejects(draw(bytes.subarray(0, Math.floor(bytes.length * part))), { code: 'document_unreadable' })
      }
    })
  }

  it('is shown on white where it is transparent: JPEG 2000', async () => {
    // Opaque only in its white half.
    const drawn = await draw(jp2WithAlpha)
    assert.deepEqual([tone(drawn, 8, 4), tone(drawn, 56, 28)], ['white', 'white'])
  })

  it('has nothing black around it: a GIF whose frame is smaller than its canvas', async () => {
    const drawn = await draw(gifWith({ screenWidth: 200, screenHeight: 100, left: 50, top: 10 }))
    assert.deepEqual([drawn.width, drawn.height], [64, 32])
    assert.deepEqual([tone(drawn, 8, 4), tone(drawn, 24, 28), tone(drawn, 40, 4), tone(drawn, 56, 28)], halvesTones)
  })

  const lies = [
    { name: 'an AVIF', bytes: patched(avif, ['ispe', 8], [60_000, 60_000]), says: /60000 × 60000/ },
    { name: 'a JPEG 2000 image', bytes: patched(codestream, ['\xff\x51', 6], [60_000, 60_000]), says: /60000 × 60000/ },
    { name: 'a BMP', bytes: bmp({ bits: 1, claims: { width: 60_000, height: 60_000 } }), says: /60000 × 60000/ },
    { name: "a GIF's canvas", bytes: gifWith({ screenWidth: 65_535, screenHeight: 65_535 }), says: /65535 × 65535/ },
    { name: "a GIF's frame", bytes: gifWith({ left: 65_000, top: 65_000 }), says: /65064 × 65032/ },
  ]
  for (const { name, bytes, says } of lies) {
    it(`is refused by what its header claims, before anything is decoded: ${name}`, async () => {
      await assert.rejects(openImage(bytes, limitsOf(1e8)), { code: 'page_too_large', message: says })
    })
  }

  it('is unreadable when it is cut out of more than its decoder may hold: HEIC', async () => {
    // The part that is shown stays 64 × 32.
    const bytes = patched(heic, ['ispe', 8], [60_000, 60_000])
    await assert.rejects(draw(bytes), { code: 'document_unreadable' })
  })

  it('is the first frame, however damaged those after it are: GIF', async () => {
    const trailerless = gif.subarray(0, -1)
    const drawn = await draw(Buffer.concat([trailerless, Buffer.from(',\xff\xff\xff', 'latin1')]))
    assert.deepEqual([tone(drawn, 8, 4), tone(drawn, 56, 28)], ['black', 'white'])
  })

  it('is refused when it has more components than its decoder can hold: JPEG 2000', async () => {
    const bytes = patched(codestream, ['\xff\x51', 6], [8000, 8000])
    bytes.writeUInt16BE(16_000, bytes.indexOf(Buffer.from('\xff\x51', 'latin1')) + 38)
    await assert.rejects(openImage(bytes, limitsOf(1e8)), {
      code: 'page_too_large',
      message: /Decoding the image of 8000 × 8000 pixels/,
    })
  })
})

const halvesTones = ['black', 'black', 'white', 'white']

async function draw(bytes: Uint8Array) {
  await using image = await openImage(bytes, limitsOf(1e8))
  const budget = { longestEdge: 100, maxPixels: 10_000 }
  const { bitmap } = await image.draw(
    1,
    (size) => targetSize(size, budget),
    () => false,
  )
  return bitmap
}

function tone({ pixels, width, channels }: Awaited<ReturnType<typeof draw>>, x: number, y: number): string {
  const value = pixels[(y * width + x) * channels] ?? Number.NaN
  return value < 12 ? 'black' : value > 243 ? 'white' : `${value}`
}

function tiff(options: Parameters<typeof halves.tiff>[0]): Promise<Buffer> {
  return halves.clone().toColourspace('b-w').tiff(options).toBuffer()
}

interface BmpOptions {
  readonly bits: 1 | 8 | 16 | 24
  readonly isTopDown?: boolean
  readonly claims?: { readonly width: number; readonly height: number }
}

function bmp({ bits, isTopDown = false, claims = { width: 64, height: 32 } }: BmpOptions): Buffer {
  const half = (32 * bits) / 8
  const row = Buffer.concat([Buffer.alloc(half), Buffer.alloc(half, bits === 8 ? 1 : 255)])
  return bmpFile(
    bits,
    0,
    { ...claims, height: isTopDown ? -claims.height : claims.height },
    Array<Buffer>(32).fill(row),
  )
}

function bmpFile(bits: number, compression: number, size: { width: number; height: number }, rows: Buffer[]): Buffer {
  const palette = bits <= 8 ? Buffer.from([0, 0, 0, 0, 255, 255, 255, 0]) : Buffer.alloc(0)
  const pixels = Buffer.concat(rows)
  const header = Buffer.alloc(54)
  header.write('BM')
  header.writeUInt32LE(54 + palette.length, 10)
  header.writeUInt32LE(40, 14)
  header.writeInt32LE(size.width, 18)
  header.writeInt32LE(size.height, 22)
  header.writeUInt16LE(1, 26)
  header.writeUInt16LE(bits, 28)
  header.writeUInt32LE(compression, 30)
  header.writeUInt32LE(pixels.length, 34)
  header.writeUInt32LE(palette.length / 4, 46)
  return Buffer.concat([header, palette, pixels])
}

/** Writes two big-endian numbers some bytes behind the first occurrence of a mark. */
function patched(bytes: Buffer, [mark, offset]: [string, number], [width, height]: [number, number]): Buffer {
  const copy = Buffer.from(bytes)
  const at = copy.indexOf(Buffer.from(mark, 'latin1')) + offset
  copy.writeUInt32BE(width, at)
  copy.writeUInt32BE(height, at + 4)
  return copy
}

function gifWith(claims: { screenWidth?: number; screenHeight?: number; left?: number; top?: number }): Buffer {
  const copy = Buffer.from(gif)
  const frame = copy.indexOf(Buffer.from(',\0\0\0\0\x40\0\x20\0', 'latin1'))
  copy.writeUInt16LE(claims.screenWidth ?? 64, 6)
  copy.writeUInt16LE(claims.screenHeight ?? 32, 8)
  copy.writeUInt16LE(claims.left ?? 0, frame + 1)
  copy.writeUInt16LE(claims.top ?? 0, frame + 3)
  return copy
}

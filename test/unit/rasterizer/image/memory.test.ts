import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { crc32, deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { openImage } from '../../../../gateway/rasterizer/image/open-image.ts'
import { readFixture } from '../../../support/documents.ts'
import { limitsOf } from '../../../support/image-limits.ts'
import { peakGrowth } from '../../../support/peak-memory.ts'

const MEBIBYTE = 2 ** 20

/** Enough for a small image, and for the rows of a large one; not for a large one as a whole. */
const LITTLE = limitsOf(1e8, 100 * MEBIBYTE)

/** 16 megapixels of nothing. */
const large = () => sharp({ create: { width: 5000, height: 3200, channels: 3, background: '#fff' } })
const small = () => sharp({ create: { width: 80, height: 50, channels: 3, background: '#fff' } })

describe('the memory that decoding an image takes', () => {
  const streamed = [
    { name: 'a JPEG', bytes: () => large().jpeg().toBuffer() },
    { name: 'a JPEG that is to be turned', bytes: () => large().withMetadata({ orientation: 6 }).jpeg().toBuffer() },
    { name: 'a PNG', bytes: () => large().png({ compressionLevel: 1 }).toBuffer() },
    { name: 'a WebP', bytes: () => large().webp({ effort: 0 }).toBuffer() },
    { name: 'a TIFF of strips', bytes: () => large().tiff({ compression: 'lzw' }).toBuffer() },
    { name: 'a TIFF of tiles', bytes: () => large().tiff({ compression: 'lzw', tile: true }).toBuffer() },
  ]
  for (const { name, bytes } of streamed) {
    it(`is little for an image of any size that comes row by row: ${name}`, async () => {
      const document = await bytes()
      const growth = await peakGrowth(async () => {
        await using image = await openImage(document, LITTLE)
        await image.draw(1, ({ width, height }) => ({ width: width / 10, height: height / 10 }), neverAbandoned)
      })
      assert.ok(growth < 100, `${growth} MB`)
    })
  }

  const whole = [
    { name: 'a progressive JPEG', bytes: (of: Sharp) => of.jpeg({ progressive: true, chromaSubsampling: '4:4:4' }), says: /not progressive/ },
    { name: 'an interlaced PNG', bytes: (of: Sharp) => of.png({ progressive: true, compressionLevel: 1 }), says: /without interlacing/ },
    { name: 'a lossless WebP', bytes: (of: Sharp) => of.webp({ lossless: true, effort: 0 }), says: /5000 × 3200/ },
    { name: 'a GIF', bytes: (of: Sharp) => of.gif({ effort: 1 }), says: /5000 × 3200/ },
  ] // prettier-ignore
  for (const { name, bytes, says } of whole) {
    it(`is refused by the header where an image is held as a whole: ${name}`, async () => {
      await assert.rejects(openImage(await bytes(large()).toBuffer(), LITTLE), {
        code: 'page_too_large',
        message: says,
      })
      await using image = await openImage(await bytes(small()).toBuffer(), LITTLE)
      assert.equal(image.pageCount, 1)
    })
  }

  it('is refused for what a few bytes claim: AVIF, HEIC and BMP by its runs', async () => {
    const claims = [
      patched(await small().avif({ effort: 0 }).toBuffer(), 'ispe', 8),
      patched(await readFixture('page-10.heic'), 'ispe', 8),
      runLengthBmp(5000, 3200),
    ]
    for (const bytes of claims) {
      await assert.rejects(openImage(bytes, LITTLE), { code: 'page_too_large', message: /Decoding the image of 5000 × 3200 pixels would take \d+ MB, of at most 105/ }) // prettier-ignore
    }
  })

  it('is refused where rows are as long as no image is', async () => {
    const bytes = pngClaiming(1_000_000, 100)
    await assert.rejects(openImage(bytes, limitsOf(178_956_970)), { code: 'page_too_large' })
    await using image = await openImage(pngClaiming(100, 1_000_000), limitsOf(178_956_970))
    assert.equal(image.pageCount, 1)
  })

  it('is kept by drawing at a half of the size, or less, what has such levels: JPEG 2000', async () => {
    const bytes = await readFixture('page-9.jp2')
    const draw = async (maxMemoryBytes: number) => {
      await using image = await openImage(bytes, limitsOf(1e8, maxMemoryBytes))
      const { bitmap } = await image.draw(1, (size) => ({ width: size.width, height: size.height }), neverAbandoned)
      return bitmap
    }
    const { width, height, pixels } = await draw(640 * MEBIBYTE)
    const least = 60 * MEBIBYTE + 2 * bytes.length + 3 * width * height
    const reduced = await draw(least)
    assert.deepEqual([reduced.width, reduced.height], [width, height])
    const difference = pixels.reduce((sum, value, at) => sum + Math.abs(value - reduced.pixels[at]!), 0) / pixels.length
    assert.ok(difference > 0 && difference < 12, `${difference} levels`)
  })
})

it('a JPEG of more scans than its size justifies is refused', async () => {
  const jpeg = await small().jpeg({ progressive: true }).toBuffer()
  const scan = jpeg.subarray(jpeg.lastIndexOf(Buffer.from([0xff, 0xda])), -2)
  const of = (scans: number, edge: number) => {
    const bytes = Buffer.concat([jpeg.subarray(0, -2), ...Array<Buffer>(scans).fill(scan), jpeg.subarray(-2)])
    const frame = bytes.indexOf(Buffer.from([0xff, 0xc2]))
    bytes.writeUInt16BE(edge, frame + 5)
    bytes.writeUInt16BE(edge, frame + 7)
    return openImage(bytes, limitsOf(1e9, 1e12))
  }
  await assert.rejects(of(90, 12_000), { code: 'page_too_large', message: /12000 × 12000 pixels \d+ times/ })
  for (const [scans, edge] of [[20, 12_000], [90, 5000]] as const) assert.equal((await of(scans, edge)).pageCount, 1) // prettier-ignore
})

type Sharp = ReturnType<typeof small>
const neverAbandoned = () => false

/** Makes an image claim to be 5000 × 3200 pixels. */
function patched(bytes: Buffer, name: string, offset: number): Buffer {
  const copy = Buffer.from(bytes)
  for (let at = copy.indexOf(name); at >= 0; at = copy.indexOf(name, at + 4)) {
    copy.writeUInt32BE(5000, at + offset)
    copy.writeUInt32BE(3200, at + offset + 4)
  }
  return copy
}

function runLengthBmp(width: number, height: number): Buffer {
  const header = Buffer.alloc(54 + 8)
  header.write('BM')
  header.writeUInt32LE(header.length, 10)
  header.writeUInt32LE(40, 14)
  header.writeInt32LE(width, 18)
  header.writeInt32LE(height, 22)
  header.set([1, 0, 8, 0, 1], 26)
  header.writeUInt32LE(2, 34)
  header.writeUInt32LE(2, 46)
  return Buffer.concat([header, Buffer.from([0, 1])])
}

function pngClaiming(width: number, height: number): Buffer {
  const chunk = (name: string, content: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(name, 'latin1'), content])
    const frame = Buffer.alloc(4)
    const check = Buffer.alloc(4)
    frame.writeUInt32BE(content.length)
    check.writeUInt32BE(crc32(body))
    return Buffer.concat([frame, body, check])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2], 8)
  const chunks = [chunk('IHDR', header), chunk('IDAT', deflateSync(Buffer.alloc(100))), chunk('IEND', Buffer.alloc(0))]
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks])
}

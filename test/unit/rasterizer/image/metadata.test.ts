import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { crc32, deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { leaveOutMetadata } from '../../../../gateway/rasterizer/image/heif-items.ts'
import { openImage } from '../../../../gateway/rasterizer/image/open-image.ts'
import { limitsOf } from '../../../support/image-limits.ts'
import { peakGrowth } from '../../../support/peak-memory.ts'

const MEBIBYTE = 2 ** 20

/** 40 × 20: the left half black, the right half white. */
const halves = sharp(Buffer.from([...Array(800).keys()].map((index) => (index % 40 < 20 ? 0 : 255))), {
  raw: { width: 40, height: 20, channels: 1 },
})
const png = await halves.clone().png().toBuffer()
const jpeg = await halves.clone().jpeg().toBuffer()
const tiff = await halves.clone().tiff({ compression: 'none' }).toBuffer()

describe('the metadata of an image', () => {
  // Read as a whole, the first took 3 GB and the second 400 MB.
  const bombs = [
    { name: "a PNG's texts, deflated", bytes: () => pngWith(Array(24).fill(text('zTXt', 24 * MEBIBYTE))), plain: png },
    { name: "a TIFF's tags that share a megabyte", bytes: () => tiffWith(400, MEBIBYTE), plain: tiff },
  ]
  for (const { name, bytes, plain } of bombs) {
    it(`takes no memory, and the image is drawn: ${name}`, async () => {
      const expected = await draw(plain)
      const document = bytes()
      let drawn: Awaited<ReturnType<typeof draw>> | null = null
      const growth = await peakGrowth(async () => (drawn = await draw(document)))
      assert.deepEqual(drawn, expected)
      assert.ok(growth < 100, `${growth} MB`)
    })
  }

  it('takes no time where its directories lead back to each other: EXIF', async () => {
    const started = performance.now()
    const exif = exifInARing(60, 65)
    assert.deepEqual(await draw(pngWith([chunk('eXIf', exif)])), await draw(png))
    const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, 0]), Buffer.from('Exif\0\0', 'latin1'), exif])
    segment.writeUInt16BE(segment.length - 2, 2)
    const withSegment = Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)])
    assert.deepEqual(await draw(withSegment), await draw(jpeg))
    assert.ok(performance.now() - started < 3000)
  })

  it('is left out where it would be larger than any honest one: a colour profile', async () => {
    const profile = Buffer.concat([Buffer.from('p\0\0', 'latin1'), deflateSync(Buffer.alloc(64 * MEBIBYTE))])
    assert.deepEqual(await draw(pngWith([chunk('iCCP', profile)])), await draw(png))
  })

  it('counts where it changes the picture: a colour profile, an orientation, transparency', async () => {
    const red = sharp({
      create: { width: 9, height: 5, channels: 4, background: { r: 200, g: 30, b: 30, alpha: 0.5 } },
    })
    for (const format of ['png', 'jpeg', 'webp', 'tiff'] as const) {
      const wide = red
        .clone()
        .withIccProfile('p3')
        .withMetadata({ orientation: 6, exif: { IFD0: { Artist: 'A' } } })
      const bytes = await wide.toFormat(format, { quality: 100 }).toBuffer()
      const expected = await sharp(bytes)
        .autoOrient()
        .flatten({ background: '#fff' })
        .toColourspace('srgb')
        .raw()
        .toBuffer()
      const { width, height, pixels } = await draw(bytes)
      assert.deepEqual([width, height, Buffer.from(pixels)], [5, 9, expected], format)
    }
  })

  it('is not among the items that a decoder of HEIF finds', async () => {
    const bytes = new Uint8Array(
      await halves
        .clone()
        .withExif({ IFD0: { Artist: 'A' } })
        .withXmp('<x/>')
        .withIccProfile('p3')
        .avif()
        .toBuffer(),
    )
    const expected = await sharp(bytes).raw().toBuffer()
    assert.ok((await sharp(bytes).metadata()).exif !== undefined)
    leaveOutMetadata(bytes)
    const { exif, xmp, icc } = await sharp(bytes).metadata()
    assert.deepEqual([exif, xmp, icc === undefined], [undefined, undefined, false])
    assert.deepEqual(await sharp(bytes).raw().toBuffer(), expected)
  })

  it('is a comment, a preview or a program’s own data, and never read: JPEG', async () => {
    const segments = [0xe1, 0xe2, 0xed, 0xfe].map((marker) => {
      const segment = Buffer.alloc(60_002, 'x')
      segment.set([0xff, marker])
      segment.writeUInt16BE(60_000, 2)
      return segment
    })
    assert.deepEqual(await draw(Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)])), await draw(jpeg))
  })
})

async function draw(bytes: Uint8Array) {
  await using image = await openImage(bytes, limitsOf(1e8))
  const { bitmap } = await image.draw(
    1,
    ({ width, height }) => ({ width, height }),
    () => false,
  )
  return bitmap
}

function chunk(name: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), content])
  const framed = Buffer.alloc(body.length + 8)
  framed.writeUInt32BE(content.length)
  framed.set(body, 4)
  framed.writeUInt32BE(crc32(body), body.length + 4)
  return framed
}

/** A text that unpacks to so many bytes. */
function text(name: string, length: number): Buffer {
  return chunk(name, Buffer.concat([Buffer.from('Comment\0\0', 'latin1'), deflateSync(Buffer.alloc(length, 'x'))]))
}

/** Puts chunks behind a PNG's header. */
function pngWith(chunks: readonly Buffer[]): Buffer {
  return Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)])
}

/** EXIF of directories whose tags all lead to all directories. */
function exifInARing(directories: number, tags: number): Buffer {
  const length = 2 + tags * 12 + 4
  const exif = Buffer.alloc(8 + directories * length)
  exif.write('II*\0\x08\0\0\0', 'latin1')
  for (let directory = 0; directory < directories; directory++) {
    const start = 8 + directory * length
    exif.writeUInt16LE(tags, start)
    for (let tag = 0; tag < tags; tag++) {
      const at = start + 2 + tag * 12
      exif.writeUInt16LE([0x8769, 0x8825, 0xa005][(directory + tag) % 3]!, at)
      exif.writeUInt16LE(4, at + 2)
      exif.writeUInt32LE(1, at + 4)
      exif.writeUInt32LE(8 + ((directory + tag + 1) % directories) * length, at + 8)
    }
  }
  return exif
}

/** Adds tags to a TIFF's directory, which moves to the end, that all have the same bytes for a value. */
function tiffWith(tags: number, length: number): Buffer {
  const start = tiff.readUInt32LE(4)
  const count = tiff.readUInt16LE(start)
  const added = Buffer.alloc(tags * 12 + 4)
  const kept = tiff.subarray(start + 2, start + 2 + count * 12)
  const file = Buffer.concat([tiff, Buffer.alloc(2), kept, added, Buffer.alloc(length, 'x')])
  for (let tag = 0; tag < tags; tag++) {
    added.writeUInt16LE(0xc000 + tag, tag * 12)
    added.writeUInt16LE(7, tag * 12 + 2)
    added.writeUInt32LE(length, tag * 12 + 4)
    added.writeUInt32LE(file.length - length, tag * 12 + 8)
  }
  file.set(added, tiff.length + 2 + kept.length)
  file.writeUInt16LE(count + tags, tiff.length)
  file.writeUInt32LE(tiff.length, 4)
  return file
}

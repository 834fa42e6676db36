import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import sharp from 'sharp'
import { openImage } from '../../../../gateway/rasterizer/image/open-image.ts'
import { readFixture } from '../../../support/documents.ts'
import { limitsOf } from '../../../support/image-limits.ts'

/** 64 × 32 pixels, white, with its upper left quarter black. */
const corner = sharp({ create: { width: 64, height: 32, channels: 3, background: '#fff' } }).composite([
  { input: { create: { width: 32, height: 16, channels: 3, background: '#000' } }, left: 0, top: 0 },
])
const png = await corner.png().toBuffer()
const oriented = (orientation: number) => sharp(png).withMetadata({ orientation })

/** sharp writes the orientation twice: as `irot`, and into the EXIF block, which this changes. */
async function avifWith({ irot, exif, box = 'irot' }: { irot: 3 | 6 | 8; exif: number; box?: string }) {
  const bytes = await oriented(irot).avif({ quality: 90 }).toBuffer()
  const entry = bytes.indexOf(Buffer.from([0x12, 0x01, 3, 0, 1, 0, 0, 0, irot, 0]))
  assert.ok(entry > 0 && bytes.includes('irot'), 'no orientation was written')
  bytes[entry + 8] = exif
  bytes.write(box, bytes.indexOf('irot'), 'latin1')
  return bytes
}

/** Where the black corner is, and the size. */
async function look(bytes: Uint8Array) {
  await using document = await openImage(bytes, limitsOf(1e8))
  const { bitmap } = await document.draw(
    1,
    ({ width, height }) => ({ width, height }),
    () => false,
  )
  const { pixels, width, height, channels } = bitmap
  const isBlack = (x: number, y: number) => pixels[(y * width + x) * channels]! < 100
  const corners = {
    'top left': [3, 3],
    'top right': [-4, 3],
    'bottom left': [3, -4],
    'bottom right': [-4, -4],
  } as const
  const black = Object.entries(corners).flatMap(([name, [x, y]]) =>
    isBlack((x + width) % width, (y + height) % height) ? [name] : [],
  )
  return { pages: document.pageCount, size: [width, height], black }
}

describe('which side of an image is up', () => {
  for (const { name, bytes, size, black } of [
    {
      name: 'a JPEG by its EXIF orientation',
      bytes: oriented(6).jpeg().toBuffer(),
      size: [32, 64],
      black: 'top right',
    },
    { name: 'an AVIF by irot', bytes: avifWith({ irot: 6, exif: 6 }), size: [32, 64], black: 'top right' },
    {
      name: 'an AVIF by irot, and not by an EXIF orientation that says something else',
      bytes: avifWith({ irot: 6, exif: 3 }),
      size: [32, 64],
      black: 'top right',
    },
    {
      name: 'an AVIF by irot, and not by an EXIF orientation that says none',
      bytes: avifWith({ irot: 3, exif: 1 }),
      size: [64, 32],
      black: 'bottom right',
    },
    {
      name: 'an AVIF by imir, and not by its EXIF orientation',
      bytes: avifWith({ irot: 6, exif: 6, box: 'imir' }),
      size: [64, 32],
      black: 'top right',
    },
  ])
    it(`is known: ${name}`, async () => {
      assert.deepEqual(await look(await bytes), { pages: 1, size, black: [black] })
    })

  it('is known of a HEIC by irot, and not by an EXIF orientation that says something else', async () => {
    const bytes = readFixture('page-11-irot.heic')
    const before = await look(bytes)
    const entry = bytes.indexOf(Buffer.from([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6]))
    assert.ok(entry > 0, 'the file has no EXIF orientation')
    bytes[entry + 9] = 3
    assert.deepEqual(await look(bytes), before)
  })
})

describe('a file of several pictures', () => {
  it('is its first picture, whatever the others are: an MPO', async () => {
    const first = await sharp(png).jpeg().toBuffer()
    const second = await sharp(png).negate().resize(200, 300, { fit: 'fill' }).jpeg().toBuffer()
    const alone = await look(first)
    assert.deepEqual(await look(mpo(first, second)), alone)
    assert.deepEqual(await look(mpo(first, second.subarray(0, 100))), alone)
  })
})

/** Writes two JPEGs as CIPA DC-007 does: the first has an index of both in an APP2 segment. */
function mpo(first: Buffer, second: Buffer): Buffer {
  const entries = 3
  const index = Buffer.alloc(8 + 2 + 12 * entries + 4 + 2 * 16)
  index.write('MM\0*', 0, 'latin1')
  index.writeUInt32BE(8, 4)
  index.writeUInt16BE(entries, 8)
  const entry = (at: number, tag: number, type: number, count: number, value: number) => {
    index.writeUInt16BE(tag, at)
    index.writeUInt16BE(type, at + 2)
    index.writeUInt32BE(count, at + 4)
    index.writeUInt32BE(value, at + 8)
  }
  entry(10, 0xb000, 7, 4, 0x30313030)
  entry(22, 0xb001, 4, 1, 2)
  entry(34, 0xb002, 7, 32, 50)
  const segment = Buffer.concat([Buffer.from([0xff, 0xe2, 0, 0]), Buffer.from('MPF\0', 'latin1'), index])
  segment.writeUInt16BE(segment.length - 2, 2)
  const [sizeAt, startAt] = [54, 58]
  index.writeUInt32BE(0x20030000, 50)
  const whole = first.length + segment.length
  segment.writeUInt32BE(whole, 8 + sizeAt)
  segment.writeUInt32BE(second.length, 8 + sizeAt + 16)
  segment.writeUInt32BE(whole, 8 + startAt + 16)
  return Buffer.concat([first.subarray(0, 2), segment, first.subarray(2), second])
}

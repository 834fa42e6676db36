import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openImage } from '../../../../gateway/rasterizer/image/open-image.ts'
import { limitsOf } from '../../../support/image-limits.ts'

const TAG_NEW_SUBFILE_TYPE = 254
const TAG_ORIENTATION = 274
const TAG_COLOR_MAP = 320
const reduced = [TAG_NEW_SUBFILE_TYPE, 1] as const
const mask = [TAG_NEW_SUBFILE_TYPE, 4] as const

describe('a TIFF', () => {
  const documents = [
    { name: 'every image is a page', images: [image(10), image(20), image(30)], pages: [10, 20, 30] },
    { name: 'previews are none', images: [image(10), image(11, reduced), image(20)], pages: [10, 20] },
    { name: 'masks are none', images: [image(11, mask), image(10)], pages: [10] },
    { name: 'previews of nothing are pages', images: [image(10, reduced), image(20, reduced)], pages: [10, 20] },
  ]
  for (const { name, images, pages } of documents) {
    it(`has the pages that a reader would see: ${name}`, async () => {
      const grays = await readPages(makeTiff(images))
      assert.deepEqual(grays, pages)
    })
  }

  it('ends where its chain of images bites its own tail', async () => {
    assert.deepEqual(await readPages(makeTiff([image(10), image(20)], { isRing: true })), [10, 20])
  })

  it('is drawn in any order, each page by its own size and orientation', async () => {
    const turned = { ...image(20, [TAG_ORIENTATION, 6]), width: 8, height: 4 }
    await using document = await openImage(makeTiff([image(10), turned]), limitsOf(1e6))
    for (const [page, expected] of [
      [2, [4, 8, 20]],
      [1, [4, 4, 10]],
      [2, [4, 8, 20]],
    ] as const) {
      const { bitmap } = await document.draw(page, (size) => size, neverAbandoned)
      assert.deepEqual([bitmap.width, bitmap.height, bitmap.pixels[0]], expected)
    }
  })

  it('refuses a page by its header and draws the others', async () => {
    await using document = await openImage(makeTiff([{ ...image(10), claims: 5000 }, image(20)]), limitsOf(1e6))
    assert.equal(document.pageCount, 2)
    const draw = (page: number) => document.draw(page, (size) => size, neverAbandoned)
    await assert.rejects(draw(1), { code: 'page_too_large', message: /5000 × 5000/ })
    assert.equal((await draw(2)).bitmap.pixels[0], 20)
  })

  it('is unreadable when the file ends before its palette, which decoders would do without', async () => {
    const palette = [TAG_COLOR_MAP, 1_000_000, 768] as const
    await assert.rejects(openImage(makeTiff([image(10, palette)]), limitsOf(1e6)), { code: 'document_unreadable' })
  })

  it('ends where directories overlap, which together would be read without end', async () => {
    // Each begins a few bytes after the one before, and claims a thousand entries.
    const bytes = Buffer.alloc(100_000)
    bytes.write('II*\0\x08\0\0\0', 'latin1')
    for (let at = 8; at < 40_000; at += 6) {
      bytes.writeUInt16LE(1000, at)
      bytes.writeUInt32LE(at + 6, at + 2 + 12_000)
    }
    await using document = await openImage(bytes, limitsOf(1e6))
    assert.ok(document.pageCount < 10, `${document.pageCount} pages`)
  })

  it('opens with 3,000 images as fast as with one, for its images are not decoded', async () => {
    const bytes = makeTiff(Array.from({ length: 3000 }, () => image(10)))
    await using document = await openImage(bytes, limitsOf(1e6))
    assert.equal(document.pageCount, 3000)
    assert.equal((await document.draw(3000, (size) => size, neverAbandoned)).bitmap.pixels[0], 10)
  })
})

const neverAbandoned = () => false

async function readPages(bytes: Uint8Array): Promise<number[]> {
  await using document = await openImage(bytes, limitsOf(1e6))
  const grays: number[] = []
  for (let page = 1; page <= document.pageCount; page++) {
    const { bitmap } = await document.draw(page, (size) => size, neverAbandoned)
    grays.push(bitmap.pixels[0] ?? Number.NaN)
  }
  return grays
}

/** A tag, its value or offset, and how many 16-bit values there are. */
type Tag = readonly [tag: number, value: number, count?: number]

interface TiffImage {
  readonly gray: number
  readonly width: number
  readonly height: number
  /** The width and height that the header states. */
  readonly claims?: number
  readonly tag?: Tag
}

function image(gray: number, tag?: Tag): TiffImage {
  return { gray, width: 4, height: 4, ...(tag === undefined ? {} : { tag }) }
}

/** Builds a little-endian TIFF of uncompressed gray images. */
function makeTiff(images: readonly TiffImage[], { isRing = false } = {}): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from('II*\0\x08\0\0\0', 'latin1')]
  let at = 8
  for (const [index, picture] of images.entries()) {
    const isLast = index === images.length - 1
    const part = makeImage(picture, at, isLast ? (isRing ? 8 : 0) : null)
    parts.push(part)
    at += part.length
  }
  return Buffer.concat(parts)
}

/** Builds a directory and the pixels behind it; `next` null leads to what follows. */
function makeImage({ gray, width, height, claims, tag }: TiffImage, at: number, next: number | null): Buffer {
  const count = tag === undefined ? 8 : 9
  const directoryLength = 2 + count * 12 + 4
  const plain: Tag[] = [
    [256, claims ?? width],
    [257, claims ?? height],
    [258, 8],
    [259, 1],
    [262, 1],
    [273, at + directoryLength],
    [278, claims ?? height],
    [279, width * height],
  ]
  const tags = [...plain, ...(tag === undefined ? [] : [tag])].toSorted(([a], [b]) => a - b)
  const part = Buffer.alloc(directoryLength + width * height, gray)
  part.writeUInt16LE(count, 0)
  for (const [index, [number, value, values = 1]] of tags.entries()) {
    const entry = 2 + index * 12
    part.writeUInt16LE(number, entry)
    // A LONG holds any single value; several are SHORTs elsewhere.
    part.writeUInt16LE(values === 1 ? 4 : 3, entry + 2)
    part.writeUInt32LE(values, entry + 4)
    part.writeUInt32LE(value, entry + 8)
  }
  part.writeUInt32LE(next ?? at + part.length, directoryLength - 4)
  return part
}

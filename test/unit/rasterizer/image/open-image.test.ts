import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import sharp from 'sharp'
import { openImage } from '../../../../gateway/rasterizer/image/open-image.ts'
import { targetSize } from '../../../../gateway/page/target-size.ts'
import { limitsOf } from '../../../support/image-limits.ts'

const longest100 = { longestEdge: 100, maxPixels: 10_000 }

/** 40 × 20: the left half black, the right half white. */
const halves = sharp(Buffer.from([...Array(800).keys()].map((index) => (index % 40 < 20 ? 0 : 255))), {
  raw: { width: 40, height: 20, channels: 1 },
})

describe('an image', () => {
  it('is shown upright: EXIF orientation 6 puts its left side on top', async () => {
    const bitmap = await draw(await halves.clone().withMetadata({ orientation: 6 }).jpeg().toBuffer())
    assert.deepEqual([bitmap.width, bitmap.height], [20, 40])
    assert.deepEqual([grayAt(bitmap, 10, 2) < 40, grayAt(bitmap, 10, 37) > 215], [true, true])
  })

  it('is shown on white where it is transparent', async () => {
    const clear = { width: 10, height: 10, channels: 4 as const, background: { r: 0, g: 0, b: 0, alpha: 0 } }
    assert.equal(grayAt(await draw(await sharp({ create: clear }).png().toBuffer()), 5, 5), 255)
  })

  it('is shown in 8 bits when it has 16', async () => {
    const deep = await halves.clone().toColourspace('grey16').png().toBuffer()
    assert.equal((await sharp(deep).metadata()).depth, 'ushort')
    const bitmap = await draw(deep)
    assert.deepEqual([grayAt(bitmap, 2, 5), grayAt(bitmap, 37, 5)], [0, 255])
  })

  it('is shown in RGB when it is CMYK', async () => {
    const ink = sharp({ create: { width: 10, height: 10, channels: 3, background: '#ff0000' } })
    const bitmap = await draw(await ink.toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer())
    const [red = 0, green = 255, blue = 255] = bitmap.pixels
    assert.ok(bitmap.channels === 3 && red > 200 && green < 80 && blue < 80, `${red} ${green} ${blue}`)
  })

  it('is shrunk to its target size and never enlarged', async () => {
    const large = await halves.clone().resize(400, 200).png().toBuffer()
    const [shrunk, kept] = [await draw(large), await draw(await halves.clone().png().toBuffer())]
    assert.deepEqual([shrunk.width, shrunk.height, kept.width, kept.height], [100, 50, 40, 20])
  })

  it('is its first frame when it moves', async () => {
    const frames = Buffer.concat([Buffer.alloc(300, 0), Buffer.alloc(300, 255)])
    const raw = { width: 10, height: 20, channels: 3, pageHeight: 10 } as const
    const moving = await sharp(frames, { raw })
      .gif({ delay: [10, 10] })
      .toBuffer()
    assert.equal((await sharp(moving).metadata()).pages, 2)
    const bitmap = await draw(moving)
    assert.deepEqual([bitmap.height, grayAt(bitmap, 5, 5)], [10, 0])
  })

  it('is refused by its header when it has too many pixels', async () => {
    const bytes = await halves.clone().png().toBuffer()
    await assert.rejects(openImage(bytes, limitsOf(799)), {
      code: 'page_too_large',
      message: /40 × 20 pixels; at most 799/,
    })
    assert.equal((await openImage(bytes, limitsOf(800))).pageCount, 1)
  })

  it('is unreadable when its pixels are cut off', async () => {
    const noise = Buffer.from([...Array(40_000).keys()].map((index) => (index * 7919) % 251))
    const whole = await sharp(noise, { raw: { width: 200, height: 200, channels: 1 } })
      .jpeg()
      .toBuffer()
    await assert.rejects(draw(whole.subarray(0, whole.length / 2)), { code: 'document_unreadable' })
  })

  it('is unreadable when nothing but its signature is right', async () => {
    const bytes = Buffer.concat([Buffer.from('\xff\xd8\xff', 'latin1'), Buffer.alloc(100, 7)])
    await assert.rejects(openImage(bytes, limitsOf(1e8)), { code: 'document_unreadable' })
  })
})

async function draw(bytes: Uint8Array) {
  await using image = await openImage(bytes, limitsOf(1e8))
  const { bitmap } = await image.draw(
    1,
    (size) => targetSize(size, longest100),
    () => false,
  )
  return bitmap
}

function grayAt({ pixels, width, channels }: Awaited<ReturnType<typeof draw>>, x: number, y: number): number {
  return pixels[(y * width + x) * channels] ?? Number.NaN
}

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import sharp from 'sharp'
import { encode, toGray, type Bitmap } from '../../../gateway/prepare/encode.ts'

const gray: Bitmap = { pixels: Uint8Array.of(0, 0, 0, 255, 128, 128, 128, 255), width: 2, height: 1, channels: 4 }
const red: Bitmap = { pixels: Uint8Array.of(0, 0, 0, 255, 200, 10, 10, 255), width: 2, height: 1, channels: 4 }

describe('encoding a page', () => {
  it('writes a page without colour as 8-bit gray, to the pixel', async () => {
    const { channels, pixels } = await decoded(await encode(gray, 'image/png'))
    assert.deepEqual({ channels, pixels }, { channels: 1, pixels: [0, 128] })
  })

  it('writes a page with colour as RGB without alpha, to the pixel', async () => {
    const { channels, pixels } = await decoded(await encode(red, 'image/png'))
    assert.deepEqual({ channels, pixels }, { channels: 3, pixels: [0, 0, 0, 200, 10, 10] })
  })

  it('writes a scan in gray to the pixel', async () => {
    const bitmap: Bitmap = { pixels: Uint8Array.of(0, 128, 7, 255, 9, 250), width: 3, height: 2, channels: 1 }
    const { channels, pixels } = await decoded(await encode(bitmap, 'image/png', true))
    assert.deepEqual({ channels, pixels }, { channels: 1, pixels: [0, 128, 7, 255, 9, 250] })
  })

  // Half a million pixels are packed in another way than a third more.
  for (const height of [512, 683])
    it(`writes a page of print without colour to the pixel, 1024 × ${height}`, async () => {
      const width = 1024
      const values = Uint8Array.from({ length: width * height }, (_, at) => (at % 7 === 0 ? (at >> 3) & 255 : 255))
      const file = await encode({ pixels: values, width, height, channels: 1 }, 'image/png')
      const { channels, pixels } = await decoded(file)
      assert.equal(channels, 1)
      assert.ok(Buffer.from(pixels).equals(values))
    })

  for (const [name, bitmap, expected] of [
    ['gray', gray, 1],
    ['colour', red, 3],
  ] as const) {
    it(`writes a JPEG when asked for one: ${name}`, async () => {
      const { format, channels } = await sharp(await encode(bitmap, 'image/jpeg')).metadata()
      assert.deepEqual([format, channels], ['jpeg', expected])
    })
  }

  it('sees colour in the very last pixel and in blue alone', () => {
    const pixels = new Uint8Array(300).fill(255)
    assert.equal(toGray({ pixels, width: 100, height: 1, channels: 3 })?.length, 100)
    pixels[299] = 254
    assert.equal(toGray({ pixels, width: 100, height: 1, channels: 3 }), null)
  })
})

async function decoded(image: Uint8Array) {
  const { channels } = await sharp(image).metadata()
  const { data, info } = await sharp(image).raw().toBuffer({ resolveWithObject: true })
  const pixels = [...data].filter((_, index) => channels > 1 || index % info.channels === 0)
  return { channels, pixels }
}

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { crc32, inflateSync } from 'node:zlib'
import sharp from 'sharp'
import { encodePng, encodeSmallPng } from '../../../gateway/prepare/png.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const random = seededRandom(7)

/** Pixels by their place, between 0 and 255. */
const KINDS: Readonly<Record<string, (at: number, width: number) => number>> = {
  white: () => 255,
  black: () => 0,
  noise: () => random.integer(0, 255),
  grain: () => 240 + random.integer(-5, 5),
  gradient: (at, width) => (at % width) & 255,
  'rare marks': () => (random.chance(0.002) ? 0 : 255),
  'hues that stay': (at) => (at % 3 === 0 ? (shade = random.integer(0, 20)) : shade),
  'runs of any length': () =>
    left-- > 0 ? shade : ((left = random.integer(0, 700)), (shade = random.integer(0, 255))),
}
let [shade, left] = [0, 0]

const SIZES = [
  [1, 1],
  [1, 9],
  [7, 1],
  [8, 8],
  [17, 33],
  [333, 257],
  // Parts of several rows, of which only some are counted; and rows that are longer than a part.
  [411, 1201],
  [90_001, 14],
] as const

describe('a PNG of our own', () => {
  for (const [kind, of] of Object.entries(KINDS))
    for (const channels of [1, 3] as const)
      it(`says what it was made from: ${kind}, ${channels} channels, of all sizes`, async () => {
        for (const [width, height] of SIZES) {
          const pixels = Uint8Array.from({ length: width * height * channels }, (_, at) => of(at, width * channels))
          await assertHolds(encodePng({ pixels, width, height, channels }), { pixels, width, height, channels })
        }
      })

  for (const [kind, of] of Object.entries(KINDS))
    it(`says what it was made from where it is small and gray: ${kind}`, async () => {
      for (const [width, height] of SIZES) {
        const pixels = Uint8Array.from({ length: width * height }, (_, at) => of(at, width))
        await assertHolds(encodeSmallPng(pixels, width, height), { pixels, width, height, channels: 1 })
      }
    })

  it('is small where nothing changes', () => {
    const white = { pixels: new Uint8Array(1190 * 1540 * 3).fill(255), width: 1190, height: 1540, channels: 3 } as const
    assert.ok(encodePng(white).length < 20_000)
  })

  it('repeats what pixels have in common where hues stay and light changes', () => {
    const pixels = Uint8Array.from({ length: 300 * 300 * 3 }, (_, at) => KINDS['hues that stay']!(at, 900))
    assert.ok(encodePng({ pixels, width: 300, height: 300, channels: 3 }).length < pixels.length / 2)
  })
})

/** Returns what the chunks of pixels unpack to. Throws where a checksum is wrong. */
function rowsOf(file: Uint8Array): Buffer {
  const bytes = Buffer.from(file)
  const content: Buffer[] = []
  for (let at = 8; at < bytes.length;) {
    const end = at + 8 + bytes.readUInt32BE(at)
    assert.equal(crc32(bytes.subarray(at + 4, end)), bytes.readUInt32BE(end))
    if (bytes.toString('latin1', at + 4, at + 8) === 'IDAT') content.push(bytes.subarray(at + 8, end))
    at = end + 4
  }
  return inflateSync(Buffer.concat(content))
}

/** Asserts that a PNG has these pixels, and as many rows as they have. */
async function assertHolds(file: Uint8Array, { pixels, width, height, channels }: Parameters<typeof encodePng>[0]) {
  assert.equal(rowsOf(file).length, (width * channels + 1) * height)
  const image = sharp(file, { failOn: 'warning', limitInputPixels: false })
  const { format, channels: found } = await image.metadata()
  assert.deepEqual([format, found], ['png', channels])
  const decoded = await image
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer()
  assert.ok(decoded.equals(pixels), `${width} × ${height}`)
}

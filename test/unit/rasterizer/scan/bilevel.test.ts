import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TargetSize } from '../../../../gateway/page/target-size.ts'
import type { Bitmap } from '../../../../gateway/prepare/bitmap.ts'
import { decodeG4, decodeRegion, shrinkBilevel, shrinkBits } from '../../../../gateway/rasterizer/scan/bilevel.ts'
import { decodeJbig2 } from '../../../../gateway/rasterizer/scan/jbig2-decoder.ts'
import { readJbig2 } from '../../../../gateway/rasterizer/scan/jbig2.ts'
import { drawLetter } from '../../../fixtures/printed-page.ts'
import { faxImage, faxStrip, jbig2Image, makeScan, type StoredImage } from '../../../fixtures/scan-pdf.ts'
import { difference, drawBy, grayOf } from '../../../support/scan-lane.ts'
import { seededRandom } from '../../../support/seeded-random.ts'

const letter = await faxImage(drawLetter())
const small = await faxStrip(dots(83, 40, (x, y) => (x * 7 + y * y) % 11 < 4))
const AS_USUAL = { alignsRows: false, isLightOnDark: false }

const patterns = await Promise.all([
  named(
    'nothing but white',
    dots(5000, 9, () => false),
  ),
  named(
    'nothing but black',
    dots(5000, 9, () => true),
  ),
  named(
    'a black column at the right',
    dots(3000, 9, (x) => x === 2999),
  ),
  ...[1, 2, 7, 8, 9, 16, 17, 63, 64, 65, 1728, 2561].flatMap((width) => [
    named(`noise of ${width} columns`, noise(width, 21, 0.5)),
    named(`specks of ${width} columns`, noise(width, 21, 0.03)),
    named(
      `a chessboard of ${width} columns`,
      dots(width, 9, (x, y) => (x + y) % 2 === 0),
    ),
  ]),
])

describe('bilevel scans, a pixel for a pixel', () => {
  for (const { name, image } of [
    { name: 'a letter as group 4', image: letter },
    { name: 'a page as JBIG2', image: jbig2Image() },
    ...patterns,
    { name: 'black that is light', image: withEntries(small, '/K -1', '/BlackIs1 true /K -1') },
    { name: 'values the other way round', image: withEntries(small, '/Filter', '/Decode [1 0] /Filter') },
    {
      name: 'both of it',
      image: withEntries(withEntries(small, '/K -1', '/BlackIs1 true /K -1'), '/Filter', '/Decode [1 0] /Filter'),
    },
    { name: 'JBIG2 the other way round', image: withEntries(jbig2Image(), '/Filter', '/Decode [1 0] /Filter') },
    { name: 'parameters without rows', image: withEntries(small, '/Rows 40', '') },
    { name: 'parameters in a list', image: withEntries(listed(small), '/CCITTFaxDecode', '[/CCITTFaxDecode]') },
    { name: 'parameters in a list, and a filter in none', image: listed(small) },
    { name: 'no end of its block', image: { ...small, data: small.data.subarray(0, -3) } },
    { name: 'rows that begin with a byte', image: aligned(Buffer.from('362ce0', 'hex')) },
    { name: 'of another width', image: withEntries(small, '/Columns 83', '/Columns 84') },
    { name: 'of fewer rows', image: withEntries(small, '/Rows 40', '/Rows 39') },
    { name: 'of group 3', image: withEntries(small, '/K -1', '/K 0') },
    { name: 'with ends of lines', image: withEntries(small, '/K -1', '/K -1 /EndOfLine true') },
    { name: 'with a parameter nobody knows', image: withEntries(small, '/K -1', '/K -1 /Surprise 1') },
    { name: 'cut off', image: { ...small, data: small.data.subarray(0, small.data.length >> 1) } },
    { name: 'with many more rows', image: { ...small, height: 8, entries: small.entries.replace(' 40', ' 8') } },
    { name: 'with bits between its rows', image: aligned(Buffer.from('362de0', 'hex')) },
    { name: 'JBIG2 cut off', image: { ...jbig2Image(), data: jbig2Image().data.subarray(0, 9000) } },
    { name: 'JBIG2 of another height', image: { ...jbig2Image(), height: 1599 } },
    { name: 'JBIG2 without its last marker', image: withoutMarker(jbig2Image()) },
  ]) {
    it(`come out as PDFium draws them: ${name}`, () => assertSame(image))
  }

  it('come out as PDFium draws them, however their code is damaged', async () => {
    const random = seededRandom(16)
    const images = patterns.map(({ image }) => image).filter(({ width }) => width <= 17)
    let here = 0
    for (let round = 0; round < 400; round++) {
      const image = random.pick(images)
      const data = Buffer.from(image.data)
      for (let flips = random.integer(1, 2); flips > 0; flips--)
        data[random.integer(0, data.length - 1)]! ^= 1 << random.integer(0, 7)
      await assertSame({ ...image, data })
      here += Number(decodeG4(data, { ...image, ...AS_USUAL }, image) !== null)
    }
    assert.ok(here > 20, `only ${here} of them were decoded here`)
  })

  for (const typicalRows of [false, true]) {
    it(`come out as PDFium draws them: JBIG2 of random code, ${typicalRows ? 'with' : 'without'} typical rows`, async () => {
      const random = seededRandom(17)
      let here = 0
      for (let round = 0; round < 300; round++) {
        const size = { width: random.integer(1, 90), height: random.integer(1, 40) }
        const code = Buffer.from(
          Array.from({ length: random.integer(1, (size.width * size.height) / 2 + 40) }, () =>
            random.chance(0.3) ? 0 : random.integer(0, 254),
          ),
        )
        const image = { ...size, data: region(size, code, typicalRows), entries: jbig2Image().entries }
        await assertSame(image)
        const found = readJbig2(image.data, size)
        here += Number(found !== null && decodeRegion({ ...found, isLightOnDark: false }, size) !== null)
      }
      assert.ok(here > 50, `only ${here} of them were decoded here`)
    })
  }
})

describe('bilevel scans made smaller', () => {
  for (const [across, down] of [
    [83, 40],
    [82, 39],
    [41, 20],
    [30, 7],
    [17, 40],
    [3, 2],
    [1, 1],
  ] as const)
    it(`have the mean of what each pixel stands for: ${across} × ${down}`, () => {
      const { data, width } = small
      const full = decodeG4(data, { ...small, ...AS_USUAL }, small)!
      const wanted = means(full, { width: across, height: down })
      const size = { width: across, height: down }
      for (const made of [
        decodeG4(data, { ...small, ...AS_USUAL }, size)!,
        shrinkBilevel(full.pixels, { ...full, stride: width }, size)!,
      ]) {
        assert.deepEqual([made.width, made.height, made.pixels.length], [across, down, wanted.length])
        for (const [at, mean] of wanted.entries())
          assert.ok(Math.abs(made.pixels[at]! - mean) < 0.8, `${made.pixels[at]} at ${at}, not ${mean}`)
      }
    })

  it('are not made of gray ones', () => {
    const pixels = new Uint8Array(40 * 3).fill(255)
    const stored = { width: 37, height: 3, stride: 40 }
    pixels[117] = 7
    assert.notEqual(shrinkBilevel(pixels, stored, { width: 9, height: 2 }), null, 'what lies beside a row is no pixel')
    pixels[116] = 7
    assert.equal(shrinkBilevel(pixels, stored, { width: 9, height: 2 }), null)
  })

  for (const { name, image } of patterns)
    for (const isLightOnDark of [false, true])
      it(`are the same from bits as from bytes: ${name}${isLightOnDark ? ', inverted' : ''}`, () => {
        const whole = decodeG4(image.data, { ...image, ...AS_USUAL, isLightOnDark }, image)!
        const { width, height } = image
        const stride = (width + 7) >> 3
        const bits = new Uint8Array(stride * height)
        for (const [at, level] of whole.pixels.entries())
          if ((level === 0) === isLightOnDark)
            bits[Math.floor(at / width) * stride + ((at % width) >> 3)]! |= 128 >> ((at % width) & 7)
        for (const size of [
          { width, height },
          { width: Math.ceil(width / 3), height: 4 },
        ])
          assert.deepEqual(
            shrinkBits(bits, { width, height, stride, isLightOnDark }, size),
            decodeG4(image.data, { ...image, ...AS_USUAL, isLightOnDark }, { width: size.width, height: size.height }),
          )
      })

  it('are the same from a decoder of all JBIG2 as from the one of generic regions', async () => {
    const { data, width, height } = jbig2Image()
    const region = readJbig2(data, { width, height })!
    const size = { width: 500, height: 700 }
    for (const isLightOnDark of [false, true])
      assert.deepEqual(
        await decodeJbig2(data, { width, height, isLightOnDark }, size),
        decodeRegion({ ...region, isLightOnDark }, size),
      )
  })

  it('are not made of JBIG2 that is damaged', async () => {
    const { data, width, height } = jbig2Image()
    for (const damaged of [data.subarray(0, 20), new Uint8Array(), Uint8Array.from({ length: 400 }, (_, at) => at)])
      assert.equal(await decodeJbig2(damaged, { width, height, isLightOnDark: false }, { width: 50, height: 70 }), null)
  })

  for (const { name, image } of [
    { name: 'group 4', image: letter },
    { name: 'JBIG2', image: jbig2Image() },
  ])
    it(`are all but the same as PDFium's own reduction: ${name}`, async () => {
      const { width, height } = image
      const pdf = makeScan([{ image, width, height }])
      const longestEdge = Math.round(height / 2.3)
      const [lane, drawn] = [await drawBy('auto', pdf, { longestEdge }), await drawBy('pdfium', pdf, { longestEdge })]
      assert.equal(lane.rasterizer, 'scan')
      const off = await difference(lane.bitmap, drawn.bitmap)
      assert.ok(off < 0.3, `${off} of 255 off`)
    })
})

/** Draws an image at its own size, and compares each pixel. */
async function assertSame(image: StoredImage): Promise<void> {
  const { width, height } = image
  const pdf = makeScan([{ image, width, height }])
  const longestEdge = Math.max(width, height)
  const [lane, drawn] = [await drawBy('auto', pdf, { longestEdge }), await drawBy('pdfium', pdf, { longestEdge })]
  assert.equal(lane.rasterizer, 'scan')
  assert.deepEqual([lane.bitmap.width, lane.bitmap.height], [width, height])
  assert.equal(Buffer.compare(await grayOf(lane.bitmap), await grayOf(drawn.bitmap)), 0)
}

function listed(image: StoredImage): StoredImage {
  return withEntries(withEntries(image, '<<', '[ <<'), '>>', '>> ]')
}

function withEntries(image: StoredImage, what: string, instead: string): StoredImage {
  assert.ok(image.entries.includes(what))
  return { ...image, entries: image.entries.replace(what, instead) }
}

/** 16 columns: 4 white, 8 black and 4 white, then two rows that are the same; each code begins with a byte of its own. */
function aligned(data: Buffer): StoredImage {
  const entries = small.entries.replace('/K -1', '/K -1 /EncodedByteAlign true /EndOfBlock false')
  const rows = Buffer.concat([data.subarray(0, 2), Buffer.from([data[2]!, data[2]!])])
  return { data: rows, width: 16, height: 3, entries: entries.replace(' 83', ' 16').replace(' 40', ' 3') }
}

function dots(width: number, height: number, isBlack: (x: number, y: number) => boolean): Bitmap {
  const pixels = Uint8Array.from({ length: width * height }, (_, at) =>
    isBlack(at % width, Math.floor(at / width)) ? 0 : 255,
  )
  return { pixels, width, height, channels: 1 }
}

async function named(name: string, bitmap: Bitmap) {
  return { name, image: await faxStrip(bitmap) }
}

function noise(width: number, height: number, share: number): Bitmap {
  const random = seededRandom(width)
  return dots(width, height, () => random.chance(share))
}

/** A stream of JBIG2 with a page, one generic region and the end of the page. */
function region({ width, height }: TargetSize, code: Buffer, typicalRows: boolean): Buffer {
  const size = [...wordOf(width), ...wordOf(height)]
  const nothing = [0, 0, 0, 0, 0, 0, 0, 0]
  const adaptive = [3, 0xff, 0xfd, 0xff, 2, 0xfe, 0xfe, 0xfe]
  return Buffer.concat([
    segment(0, 48, Buffer.from([...size, ...nothing, 0, 0, 0])),
    segment(1, 38, Buffer.from([...size, ...nothing, 0, typicalRows ? 8 : 0, ...adaptive, ...code, 0xff, 0xac])),
    segment(2, 49, Buffer.alloc(0)),
  ])
}

function segment(number: number, type: number, data: Buffer): Buffer {
  return Buffer.from([...wordOf(number), type, 0, 1, ...wordOf(data.length), ...data])
}

const wordOf = (value: number): number[] => [24, 16, 8, 0].map((shift) => (value >> shift) & 0xff)

function withoutMarker(image: StoredImage): StoredImage {
  const data = Buffer.from(image.data)
  const at = data.lastIndexOf(Buffer.from([0xff, 0xac]))
  assert.ok(at > 0)
  data[at] = 0xfe
  return { ...image, data }
}

/** Each pixel's share of each cell, added up. */
function means({ pixels, width, height }: Bitmap, size: TargetSize): number[] {
  const [across, down] = [size.width / width, size.height / height]
  const sums = Array.from({ length: size.width * size.height }, () => 0)
  const overlap = (cell: number, from: number, length: number) =>
    Math.max(0, Math.min(cell + 1, from + length) - Math.max(cell, from))
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (const row of [Math.floor(y * down), Math.floor(y * down) + 1])
        for (const column of [Math.floor(x * across), Math.floor(x * across) + 1]) {
          if (row >= size.height || column >= size.width) continue
          const share = overlap(row, y * down, down) * overlap(column, x * across, across)
          sums[row * size.width + column]! += share * pixels[y * width + x]!
        }
  return sums
}

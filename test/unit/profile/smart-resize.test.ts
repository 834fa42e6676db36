import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { targetSize } from '../../../gateway/page/target-size.ts'
import { findProfile } from '../../../gateway/profile/profiles.ts'
import { smartResize, squareTokens } from '../../../gateway/profile/smart-resize.ts'

// Made with `smart_resize` of dots_ocr/utils/image_utils.py in https://github.com/rednote-hilab/dots.ocr at 36d7248, run in
// Python 3: width and height of an image, and what becomes of them.
const vectors = [
  {
    name: 'dots.ocr',
    rule: { grid: 28, minPixels: 3136, maxPixels: 11_289_600 },
    sizes: ['1654x2339 1652x2352', '1700x2200 1708x2212', '28x4000 28x4004', '5000x7000 2828x3948', '42x42 56x56', '70x98 56x112', '4961x7016 2800x3976'], // prettier-ignore
  },
  {
    name: 'Infinity-Parser2',
    rule: { grid: 32, minPixels: 2048, maxPixels: 16_777_216 },
    sizes: ['1654x2339 1664x2336', '64x64 64x64', '28x4000 32x4000', '5000x7000 3456x4832', '42x42 64x64', '4961x7016 3424x4864'], // prettier-ignore
  },
  {
    name: 'OvisOCR2',
    rule: { grid: 32, minPixels: 448 ** 2, maxPixels: 2880 ** 2 },
    sizes: ['1654x2339 1664x2336', '64x64 448x448', '28x4000 64x5376', '5000x7000 2432x3392', '70x98 384x544'],
  },
  {
    name: 'PaddleOCR-VL',
    rule: { grid: 28, minPixels: 130 * 784, maxPixels: 1280 * 784 },
    sizes: ['1654x2339 840x1176', '1700x2200 868x1120', '64x64 336x336', '5000x7000 840x1176', '70x98 280x392'],
  },
]

const sizeOf = (text: string) => {
  const [width = 0, height = 0] = text.split('x').map(Number)
  return { width, height }
}

describe('an image is brought to the sizes of a processor', () => {
  for (const { name, rule, sizes } of vectors)
    for (const vector of sizes)
      it(`of ${name}: ${vector.replace(' ', ' to ')}`, () => {
        const [before = '', after = ''] = vector.split(' ')
        const size = sizeOf(after)
        assert.deepEqual(smartResize(sizeOf(before), rule), size)
        assert.equal(squareTokens(rule)(sizeOf(before)), (size.width * size.height) / rule.grid ** 2)
      })
})

/** The size at which a profile's A4 page is drawn, and its tokens. */
const a4 = (id: string) => {
  const profile = findProfile(id)
  assert.ok(profile)
  const { width, height } = targetSize({ width: 595.28, height: 841.89, unit: 'pt' }, profile.pixelBudget)
  return [width, height, profile.imageTokens({ width, height })]
}

describe('an A4 page is drawn as the authors draw it', () => {
  for (const [id, width, height, tokens] of [
    ['ovisocr-2', 1654, 2339, 3796],
    ['olmocr-2', 911, 1288, 1518],
    ['dots-ocr', 1654, 2339, 4956],
    ['dots-mocr', 1654, 2339, 4956],
    ['deepseek-ocr-1', 1654, 2339, 1263],
    ['deepseek-ocr-2', 1191, 1684, 1121],
    ['chandra-1', 1587, 2245, 3500],
    ['chandra-2', 1587, 2245, 3500],
    ['surya-2', 1587, 2245, 3500],
    ['infinity-parser-2', 2480, 3508, 8580],
    ['nanonets-ocr2', 1654, 2339, 4956],
    ['granite-docling', 1448, 2048, 1190],
    ['paddleocr-vl-1', 842, 1191, 1260],
    ['glm-ocr', 1654, 2339, 4956],
    ['qwen3-vl', 1448, 2048, 2880],
  ] as const)
    it(`${id}: ${width} × ${height} pixels`, () => assert.deepEqual(a4(id), [width, height, tokens]))
})

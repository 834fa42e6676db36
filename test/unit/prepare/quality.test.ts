import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findWarnings } from '../../../gateway/prepare/quality.ts'
import type { PageQuality, SourceImage } from '../../../gateway/prepare/quality.ts'

const gray = { pixels: Uint8Array.of(0, 120, 255, 255), width: 2, height: 2, channels: 1 } as const
const bilevel = { pixels: Uint8Array.of(0, 255, 255, 255), width: 2, height: 2, channels: 1 } as const
const scan: SourceImage = { width: 2480, height: 3508, dpi: 300, bilevel: false }
const good: PageQuality = { source: scan, bitmap: gray, skew: { degrees: 0.4, confidence: 0.95 } }

const cases: readonly { name: string; page: PageQuality; codes: readonly string[]; says?: RegExp }[] = [
  { name: 'a good scan', page: good, codes: [] },
  { name: 'a vector page', page: { ...good, source: null, bitmap: bilevel }, codes: [] },
  {
    name: 'an image of 499 pixels',
    page: { ...good, source: { ...scan, width: 1200, height: 499 } },
    codes: ['image_small'],
    says: /1200 × 499.*at least 500/,
  },
  {
    name: 'a scan of 100 dpi',
    page: { ...good, source: { ...scan, width: 827, height: 1169, dpi: 100 } },
    codes: ['resolution_low'],
    says: /100 dpi.*300 dpi/,
  },
  {
    name: 'an A5-shaped image that can have no 150 dpi',
    page: { ...good, source: { width: 700, height: 990, dpi: null, bilevel: null } },
    codes: ['resolution_low'],
    says: /700 × 990.*120 dpi/,
  },
  {
    name: 'a page-shaped image of enough pixels',
    page: { ...good, source: { width: 1089, height: 1540, dpi: null, bilevel: null } },
    codes: [],
  },
  {
    name: 'a screenshot, which has no resolution',
    page: { ...good, source: { width: 800, height: 600, dpi: null, bilevel: null } },
    codes: [],
  },
  {
    name: 'a bilevel scan',
    page: { ...good, source: { ...scan, bilevel: true } },
    codes: ['image_bilevel'],
    says: /gray or colour/,
  },
  {
    name: 'an image drawn in black and white alone',
    page: { ...good, source: { ...scan, bilevel: null }, bitmap: bilevel },
    codes: ['image_bilevel'],
  },
  {
    name: 'a skewed page',
    page: { ...good, skew: { degrees: -2.31, confidence: 0.9 } },
    codes: ['page_skewed'],
    says: /2\.3° counterclockwise.*ocr\.prepare\.deskew/,
  },
  { name: 'a picture with slanting lines', page: { ...good, skew: { degrees: 5, confidence: 0.4 } }, codes: [] },
  { name: 'nothing that could be skewed', page: { ...good, skew: null }, codes: [] },
]

describe('warnings about a page', () => {
  for (const { name, page, codes, says } of cases)
    it(`are given for what they say: ${name}`, () => {
      const warnings = findWarnings(page)
      assert.deepEqual(
        warnings.map(({ code }) => code),
        codes,
      )
      if (says !== undefined) assert.match(warnings[0]!.message, says)
    })
})

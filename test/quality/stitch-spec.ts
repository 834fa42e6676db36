import { z } from 'zod'
import type { PrintedPage } from './cut-at-pages.ts'
import { readFact, type Fact } from './score/facts.ts'

// What `*.stitch.json` says of a document whose paragraphs, words and table go over its pages.

const spec = z.object({
  pages: z.int(),
  running_header: z.string(),
  running_footer: z.string(),
  expect_joined: z.array(z.string()),
  page_text_layer: z.array(z.string()),
})

/** The pages as printed, with their running lines apart. */
export function stitchedPages(json: string): readonly PrintedPage[] {
  const {
    running_header: header,
    running_footer: footer,
    page_text_layer: layers,
    pages,
  } = spec.parse(JSON.parse(json))
  return layers.map((layer, index) => {
    const above = layer.indexOf(header)
    const below = layer.lastIndexOf(footer)
    return {
      layer: layer.slice(above < 0 ? 0 : above + header.length, below < 0 ? layer.length : below),
      header,
      footer: `${footer} ${index + 1}/${pages}`,
    }
  })
}

/**
 * What must be true of the whole document once its pages are joined. The header may stand in the title: it must not be in the
 * later half.
 */
export function stitchFacts(pdf: string, json: string): readonly Fact[] {
  const { expect_joined: joined, running_header: header, running_footer: footer, pages } = spec.parse(JSON.parse(json))
  const whole = { pdf, page: 0 }
  const number = (what: string, index: number) => `${pdf}_${what}_${index}`
  return [
    ...joined.map((text, index) => ({ ...whole, id: number('joined', index), type: 'present', text, about: 'joins' })),
    { ...whole, id: number('header', 0), type: 'absent', text: header, last_n: 2000, about: 'headers' },
    { ...whole, id: number('footer', 0), type: 'absent', text: footer, about: 'headers' },
    ...Array.from({ length: pages }, (_, index) => ({
      ...whole,
      id: number('number', index),
      type: 'absent',
      text: `${index + 1}/${pages}`,
      about: 'headers',
    })),
    // The first row after the break of the table, and one far below.
    ...[
      { cell: 'Squeeze stile', up: 'Sleeper bridge', left: '8', right: 'SX 4471 7370', top_heading: 'Structure' },
      { cell: 'Sleeper bridge', up: 'Ladder stile', down: 'Squeeze stile', left: '7' },
      { cell: 'Signboard', up: 'Bridle gate', left: '24', top_heading: 'Structure' },
    ].map((fact, index) => ({ ...whole, id: number('table', index), type: 'table', ...fact, about: 'joins' })),
    {
      ...whole,
      id: number('order', 0),
      type: 'order',
      before: 'the matter passed to the county',
      after: 'Signs and waymarks',
      about: 'joins',
    },
  ].map(readFact)
}

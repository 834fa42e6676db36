import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { localized } from '../../../gateway/cli/figures.ts'
import type { Reading } from '../../../gateway/cli/read-document.ts'

describe('the ledger of a text whose pictures lie beside it', () => {
  it('says where joined blocks stand, too, which begin on earlier pages', () => {
    const picture = (page: number) => `![a](figures/page-${page}-1.png)`
    const parts = [`${picture(1)}\n\nIt goes`, `on.\n\n${picture(2)}\n\nIt goes`, 'on.']
    const content = `${parts[0]} ${parts[1]} ${parts[2]}`
    const starts = [0, parts[0]!.length + 1, parts[0]!.length + parts[1]!.length + 2]
    const pages = parts.map((part, index) => ({
      page: index + 1,
      start: starts[index]!,
      end: starts[index]! + part.length,
      ...(index === 0
        ? {}
        : {
            joined: {
              page: index,
              kind: 'paragraph',
              start: starts[index]! - 'It goes '.length,
              end: starts[index]! + 3,
            },
          }),
    }))
    const figures = [1, 2].map((page) => ({ name: `figures/page-${page}-1.png`, page, data: 'AA==' }))
    const { reading } = localized({ content, ocr: { pages, figures } } as unknown as Reading, 'a.figures', true)
    const slices = reading.ocr.pages.map(({ start, end, joined }) => [
      reading.content.slice(start, end),
      joined && reading.content.slice(joined.start, joined.end),
    ])
    assert.deepEqual(
      slices,
      parts.map((part, index) => [
        part.replaceAll('(figures/', '(a.figures/'),
        index === 0 ? undefined : 'It goes on.',
      ]),
    )
  })
})

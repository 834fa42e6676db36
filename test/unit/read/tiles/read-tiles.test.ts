import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dotsMocr } from '../../../../gateway/profile/models/dots.ts'
import { lightonocr2 } from '../../../../gateway/profile/models/lightonocr.ts'
import { olmocr2 } from '../../../../gateway/profile/models/olmocr.ts'
import type { ModelProfile } from '../../../../gateway/profile/model-profile.ts'
import { drawn } from '../../../../gateway/read/page-answer.ts'
import { readTiles } from '../../../../gateway/read/tiles/read-tiles.ts'
import { grayPageImage, pageToRead, servedModel } from '../../../support/page-prompt.ts'

/** Reads a page of two tiles, one below the other, whose answers these are. */
async function readTwo(profile: ModelProfile, answers: readonly string[]): Promise<string> {
  const image = await grayPageImage()
  const tile = { ...image, above: null, left: null }
  const texts = [...answers]
  const page = pageToRead({ model: servedModel(profile), prompt: profile.tasks.document.text })
  const read = await readTiles(
    page,
    { ...image, tiles: [[tile], [tile]] },
    async (_, shown) => ({ ...drawn(shown, 'vllm'), text: texts.shift() ?? '', finishReason: 'stop' }),
    new AbortController().signal,
  )
  return read.text
}

describe('the answers of tiles', () => {
  it('are made Markdown before they are joined, where a model writes something else', async () => {
    const answer = (text: string) => JSON.stringify([{ bbox: [1, 2, 3, 4], category: 'Text', text }])
    assert.equal(await readTwo(dotsMocr, [answer('Above'), answer('Below')]), 'Above\n\nBelow')
    const head = '---\nprimary_language: en\n---\n'
    assert.equal(await readTwo(olmocr2, [`${head}# A`, `${head}b`]), '# A\n\nb')
  })

  it('are joined as they are, where a model writes Markdown', async () =>
    assert.equal(await readTwo(lightonocr2, ['# \\$x\\$', 'b']), '# \\$x\\$\n\nb'))
})

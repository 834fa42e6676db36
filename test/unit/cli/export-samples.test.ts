import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { exportSamples } from '../../../gateway/cli/export-samples.ts'
import type { NewSample } from '../../../gateway/samples/keeper.ts'
import { newSampleId } from '../../../gateway/samples/sample-folder.ts'
import type { Sample } from '../../../gateway/samples/sample.ts'
import { makeNewSample } from '../../support/make-sample-page.ts'
import { useFolder } from '../../support/use-folder.ts'

const { path: root } = useFolder()
let folders = 0
const newFolder = (): string => join(root, `training-${folders++}`)

function makeSample(parts: Partial<NewSample['facts']> = {}, images?: readonly Uint8Array[]): Sample {
  const { facts, images: image } = makeNewSample(parts)
  return { facts: { id: newSampleId(folders++), at: '2026-11-28T21:30:00.000Z', ...facts }, images: images ?? image }
}

async function* each(samples: readonly Sample[]): AsyncGenerator<Sample> {
  yield* samples
}

const run = (samples: readonly Sample[], folder: string, areReviewed = false) =>
  exportSamples(each(samples), folder, areReviewed)

interface Row {
  readonly images_file_names: readonly string[]
  readonly texts: readonly { readonly user: string; readonly assistant: string }[]
  readonly needs_review: boolean
}

const rowsIn = (folder: string): Row[] =>
  readFileSync(join(folder, 'metadata.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row)
const textsIn = (folder: string) => rowsIn(folder).map((row) => [row.texts[0]?.assistant, row.needs_review])
const textFile = (folder: string, { facts }: Sample): string => join(folder, 'images', `${facts.id}.md`)

describe('the export of samples', () => {
  it('writes an image and a text for each, and a line that leads to both', async () => {
    const folder = newFolder()
    const sample = makeSample({ prompt: 'Read this.' })
    assert.deepEqual(await run([sample], folder), { pairs: 1, reviewed: 0, left: 0 })
    const { id } = sample.facts
    assert.deepEqual(rowsIn(folder), [
      {
        images_file_names: [`images/${id}.png`],
        texts: [{ user: 'Read this.', assistant: '# Minutes' }],
        id,
        at: '2026-11-28T21:30:00.000Z',
        reasons: ['repaired'],
        status: 'repaired',
        model: 'some-ocr',
        task: 'document',
        needs_review: true,
      },
    ])
    assert.deepEqual(readFileSync(join(folder, `images/${id}.png`)), sample.images[0])
    assert.equal(readFileSync(textFile(folder, sample), 'utf8'), '# Minutes\n')
    assert.deepEqual(readdirSync(folder).toSorted(), ['images', 'metadata.jsonl'])
    assert.equal(statSync(join(folder, 'metadata.jsonl')).mode & 0o777, 0o600)
  })

  it('takes a text that somebody has corrected, and never writes over it', async () => {
    const folder = newFolder()
    const [corrected, right] = [makeSample(), makeSample()]
    await run([corrected, right], folder)
    writeFileSync(textFile(folder, corrected), '# Minutes\r\n\r\nof the meeting\r\n')
    assert.deepEqual(await run([corrected, right], folder), { pairs: 2, reviewed: 1, left: 0 })
    assert.deepEqual(textsIn(folder), [
      ['# Minutes\n\nof the meeting', false],
      ['# Minutes', true],
    ])
    await run([corrected, right], folder, true)
    // What was looked at once stays so.
    await run([corrected, right], folder)
    assert.deepEqual(textsIn(folder), [
      ['# Minutes\n\nof the meeting', false],
      ['# Minutes', false],
    ])
  })

  it('keeps the pairs whose samples are gone, and what was corrected since', async () => {
    const folder = newFolder()
    const [gone, alsoGone, here] = [makeSample(), makeSample(), makeSample()]
    await run([gone, alsoGone], folder)
    writeFileSync(textFile(folder, gone), 'corrected')
    assert.deepEqual(await run([here], folder), { pairs: 3, reviewed: 1, left: 2 })
    assert.deepEqual(textsIn(folder), [
      ['corrected', false],
      ['# Minutes', true],
      ['# Minutes', true],
    ])
  })

  it('is one pair for each image of a page that was read in tiles, with what was read of it', async () => {
    const folder = newFolder()
    const image = { mediaType: 'image/jpeg', width: 10, height: 10, bytes: 2 } as const
    const tiled = makeSample(
      {
        isTiled: true,
        images: [image, image],
        text: 'upper\nlower',
        attempts: [
          { image: 1, reason: 'loop', text: 'low low', sampling: {} },
          { image: 0, reason: null, text: 'upper', sampling: {} },
          { image: 1, reason: null, text: 'lower', sampling: {} },
        ],
      },
      [Buffer.from('ab'), Buffer.from('cd')],
    )
    await run([tiled], folder)
    assert.deepEqual(
      rowsIn(folder).map(({ images_file_names: [name], texts }) => [name?.slice(-6), texts[0]?.assistant]),
      [
        ['-1.jpg', 'upper'],
        ['-2.jpg', 'lower'],
      ],
    )
  })

  it('goes on where an earlier list is damaged', async () => {
    const folder = newFolder()
    const sample = makeSample()
    await run([sample], folder)
    writeFileSync(join(folder, 'metadata.jsonl'), '{"half": ')
    assert.deepEqual(await run([sample], folder), { pairs: 1, reviewed: 0, left: 0 })
  })
})

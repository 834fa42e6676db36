import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { blocksInThousandths, imageBlocks } from '../../../gateway/profile/marked-blocks.ts'
import { lightonocr2, lightonocr3, lightonocr3Small } from '../../../gateway/profile/models/lightonocr.ts'

const page = 'Before\n![title](113,608,263,623) ## Loss\n![text+]( 1, 2 ,3,1200 )costs\nmore ![image](10,20,30,40)'

describe('marks of blocks', () => {
  it('are found with their labels, places and texts', () => {
    const found = blocksInThousandths(page)
    assert.deepEqual(
      found.map(({ label, continues, textStart, end }) => [label, continues, page.slice(textStart, end)]),
      [
        ['title', false, '## Loss\n'],
        ['text', true, 'costs\nmore '],
        ['image', false, ''],
      ],
    )
    assert.deepEqual(found[0]?.box, { left: 0.113, top: 0.608, right: 0.263, bottom: 0.623 })
    assert.deepEqual(found[1]?.box, { left: 0.001, top: 0.002, right: 0.003, bottom: 1 })
    assert.equal(page.slice(0, found[0]?.start), 'Before\n')
  })

  it('are pictures where they are called so', () => {
    assert.deepEqual(imageBlocks(page), [
      {
        name: 'image_1.png',
        alt: '',
        start: page.indexOf('![image]'),
        end: page.length,
        box: { left: 0.01, top: 0.02, right: 0.03, bottom: 0.04 },
      },
    ])
  })

  for (const text of ['![text](1,2,3)', '![image](image_1.png)1,2,3,4', '[text](1,2,3,4)', '![a b](1,2,3,4)'])
    it(`are nothing else: ${text}`, () => assert.deepEqual(blocksInThousandths(text), []))

  it('take no time over what only looks like marks', () => {
    const startedAt = performance.now()
    blocksInThousandths('![text](1,2,3 '.repeat(100_000) + '!['.repeat(100_000) + `![a](${' '.repeat(100_000)}`)
    assert.ok(performance.now() - startedAt < 5000)
  })

  it('are made by the models that are trained for it', () => {
    assert.deepEqual(
      [lightonocr2, lightonocr3Small, lightonocr3].map(({ findBlocks }) => findBlocks),
      [undefined, blocksInThousandths, blocksInThousandths],
    )
  })
})

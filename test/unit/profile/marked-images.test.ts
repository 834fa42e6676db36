import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { imagesInThousandths } from '../../../gateway/profile/marked-images.ts'
import { lightonocr2, lightonocr2Bbox } from '../../../gateway/profile/models/lightonocr.ts'

const boxOf = ([left = 0, top = 0, right = 0, bottom = 0]: readonly number[]) => ({ left, top, right, bottom })

describe('marks of pictures', () => {
  for (const [mark, numbers] of [
    ['![image](image_1.png)112,80,640,455', [0.112, 0.08, 0.64, 0.455]],
    ['![image](image_1.png) 0, 0, 1000, 1000', [0, 0, 1, 1]],
    ['![](image_1.png)\t1,2,3,1200', [0.001, 0.002, 0.003, 1]],
  ] as const)
    it(`are found, and end with their numbers: ${JSON.stringify(mark)}`, () => {
      const text = `Before ${mark}  after`
      const start = 'Before '.length
      const alt = mark.slice(2, mark.indexOf(']'))
      const found = { name: 'image_1.png', alt, start, end: start + mark.length, box: boxOf(numbers) }
      assert.deepEqual(imagesInThousandths(text), [found])
    })

  for (const text of [
    'no mark',
    '![image](image_1.png)',
    '![image](image_1.png)1,2,3',
    '![image](image_1.png)\n1,2,3,4',
    '![image](image_1.png)500,2,3,4',
    '![image](image_1.png)1,5,3,5',
    '[link](image_1.png)1,2,3,4',
  ])
    it(`are nothing else: ${JSON.stringify(text)}`, () => assert.deepEqual(imagesInThousandths(text), []))

  it('takes no time over what only looks like marks', () => {
    const startedAt = performance.now()
    imagesInThousandths('![](a)1,2,3 '.repeat(100_000) + '!['.repeat(100_000) + '](' + ' '.repeat(100_000))
    assert.ok(performance.now() - startedAt < 5000)
  })

  it('are made by the models that are trained for it', () => {
    assert.deepEqual([lightonocr2.findImages, lightonocr2Bbox.findImages], [undefined, imagesInThousandths])
  })
})

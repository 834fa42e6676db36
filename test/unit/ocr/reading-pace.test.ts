import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createPaceMeter } from '../../../gateway/ocr/reading-pace.ts'

function setUp() {
  let seconds = 0
  const meter = createPaceMeter(() => seconds * 1000)
  /** Reads so many pages side by side, each with so many tokens. */
  function read(pages: number, each: { seconds: number; tokens?: number; prompts?: number; task?: string }): void {
    const begun = Array.from({ length: pages }, () => meter.begin('m', each.task ?? 'document'))
    seconds += each.seconds
    for (const reading of begun) reading.read(each.tokens ?? 100, each.prompts ?? 1)
    for (const reading of begun) reading[Symbol.dispose]()
  }
  return {
    meter,
    read,
    wait: (more: number) => (seconds += more),
    pace: (task = 'document') => meter.pace('m', task),
  }
}

describe('the reading pace', () => {
  it('is not known before any page was read', () => {
    const { meter, pace, wait } = setUp()
    assert.equal(pace(), null)
    const failed = meter.begin('m', 'document')
    wait(1)
    failed[Symbol.dispose]()
    assert.equal(pace(), null)
  })

  it('is the mean of the pages, and pauses do not count', () => {
    const { read, wait, pace } = setUp()
    read(10, { seconds: 2, tokens: 100 })
    wait(1000)
    read(10, { seconds: 2, tokens: 200 })
    assert.deepEqual(pace(), { pages: 20, completionTokens: 150, secondsPerPrompt: 2, promptsPerSecond: 5 })
  })

  it('is that of prompts: a page in tiles is as many', () => {
    const { read, pace } = setUp()
    read(1, { seconds: 20, tokens: 1000, prompts: 20 })
    assert.deepEqual(pace(), { pages: 1, completionTokens: 50, secondsPerPrompt: 1, promptsPerSecond: 1 })
  })

  it('is measured for each task', () => {
    const { read, pace } = setUp()
    read(1, { seconds: 1, tokens: 10, task: 'table' })
    assert.equal(pace(), null)
    assert.equal(pace('table')?.completionTokens, 10)
  })

  it('is known while the first pages are still being read', () => {
    const { meter, wait, pace } = setUp()
    const [first, second] = [meter.begin('m', 'document'), meter.begin('m', 'document')]
    wait(2)
    first.read(50, 1)
    first[Symbol.dispose]()
    assert.equal(pace()?.promptsPerSecond, 0.5)
    second[Symbol.dispose]()
  })

  it('is closer to the pace of documents than to that of single pages', () => {
    const { read, pace } = setUp()
    for (let page = 0; page < 20; page++) read(1, { seconds: 2 })
    assert.equal(pace()?.promptsPerSecond, 0.5)
    read(80, { seconds: 4 })
    const speed = pace()?.promptsPerSecond ?? 0
    assert.ok(speed > 15 && speed < 20, `${speed}`)
  })

  it('follows a change, also when reading never pauses', () => {
    const { meter, read, wait, pace } = setUp()
    read(200, { seconds: 10, tokens: 1000 })
    let reading = meter.begin('m', 'document')
    for (let page = 0; page < 200; page++) {
      const next = meter.begin('m', 'document')
      wait(1)
      reading.read(10, 1)
      reading[Symbol.dispose]()
      reading = next
    }
    assert.ok((pace()?.promptsPerSecond ?? Infinity) < 6, `${pace()?.promptsPerSecond}`)
    assert.ok((pace()?.completionTokens ?? Infinity) < 200, `${pace()?.completionTokens}`)
  })
})

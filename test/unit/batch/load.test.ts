import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLoad } from '../../../gateway/batch/load.ts'
import { createAdmission } from '../../../gateway/schedule/admission.ts'

/** Begins lines of so many bytes, whose documents are opened at once, while there is room; returns how many. */
function begun(bytes: number, capacity: number): number {
  const load = createLoad({ ocr: { admission: createAdmission(10_000) }, capacity: () => capacity })
  let lines = 0
  for (; lines < 2000 && load.hasRoom(); lines += 1) {
    const { observer } = load.add(true, () => {})
    observer.onLength(bytes)
    observer.onOpened()
  }
  return lines
}

describe('the lines that a process takes at a time', () => {
  it('are twice as many as pages keep the engines busy, and at least some', () => {
    assert.deepEqual([begun(1000, 2), begun(1000, 100)], [16, 200])
  })

  it('are many where the engines take many, but not more than a process can hold', () => {
    assert.equal(begun(1000, 2000), 512)
  })

  it('are fewer where they are long: what they hold is open', () => {
    assert.equal(begun(8 * 1024 * 1024, 2000), 64)
  })

  it('leave room for others while they wait for the next minute of their caller', () => {
    const load = createLoad({ ocr: { admission: createAdmission(10_000) }, capacity: () => 2 })
    const lines: ReturnType<typeof load.add>[] = []
    for (; load.hasRoom();) {
      const line = load.add(true, () => {})
      lines.push(line)
      line.observer.onLength(1000)
      line.observer.onOpened()
    }
    lines[0]?.observer.onWaiting(true)
    assert.ok(load.hasRoom())
    lines[0]?.observer.onWaiting(false)
    assert.ok(!load.hasRoom())
  })
})

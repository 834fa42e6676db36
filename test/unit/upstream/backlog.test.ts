import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createBacklog, type BacklogLook, type BacklogPage } from '../../../gateway/upstream/backlog.ts'

/** A server of so many places that takes a second for a page; those of a round begin together, or one after the other. */
function watch({ places, limit, between }: { places: number; limit: number; between: number }) {
  const looks: BacklogLook[] = []
  let now = 0
  let active = 0
  const backlog = createBacklog({
    isFull: () => active >= limit,
    others: () => ({ active: 0, unbegun: 0 }),
    onLook: (look) => looks.push(look),
    now: () => now,
  })
  const waiting: BacklogPage[] = []
  const running: { readonly page: BacklogPage; readonly endsAt: number }[] = []
  for (let step = 0; step < 20_000; step += 1, now += 1) {
    for (const done of running.filter(({ endsAt }) => endsAt <= now)) {
      running.splice(running.indexOf(done), 1)
      active -= 1
      done.page.ended(true)
    }
    while (active < limit) {
      active += 1
      waiting.push(backlog.sent())
    }
    if (now % between !== 0) continue
    while (running.length < places && waiting.length > 0) {
      const page = waiting.shift()
      page?.begun()
      if (page) running.push({ page, endsAt: now + 1000 })
      if (between > 1) break
    }
  }
  return looks
}

describe('the pages that a server has not begun', () => {
  it('wait beyond its places, however they end', () => {
    for (const [places, limit] of [
      [4, 6],
      [16, 20],
    ] as const)
      for (const between of [1, 900 / places]) {
        const looks = watch({ places, limit, between: Math.floor(between) }).slice(1)
        const said = JSON.stringify(looks)
        assert.ok(looks.length >= 4, said)
        assert.ok(
          looks.every(({ most, waiting }) => most - waiting === places),
          said,
        )
      }
  })

  it('do not wait where they are prepared one after the other, and all that it was sent run for a while', () => {
    // It begins one each tenth of a second, and pages take a second: eight are never all begun, and six are for a while.
    const looks = watch({ places: 64, limit: 8, between: 100 }).slice(1)
    const said = JSON.stringify(looks)
    assert.ok(looks.length >= 4 && looks.every(({ most, waiting }) => most - waiting >= 8), said)
  })
})

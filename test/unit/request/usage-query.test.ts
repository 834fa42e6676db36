import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from '../../../gateway/errors.ts'
import { readUsageQuery } from '../../../gateway/request/usage-query.ts'

const TODAY = '2026-11-28'
const read = (query: string) => {
  const queries: Record<string, string[]> = {}
  for (const [name, value] of new URLSearchParams(query)) (queries[name] ??= []).push(value)
  const { groups, ...rest } = readUsageQuery(queries, TODAY)
  return { ...rest, groups: [...groups] }
}

describe('which usage is asked for', () => {
  it('is that of this month, told apart by all there is', () => {
    const all = { key: null, model: null, groups: ['day', 'key', 'model'], limit: 100, after: null }
    assert.deepEqual(read(''), { ...all, start: '2026-11-01', end: TODAY })
    assert.deepEqual(read('end_date=2024-02-29&key='), { ...all, start: '2024-02-01', end: '2024-02-29' })
  })

  for (const query of ['group_by=key,model', 'group_by=key&group_by=model', 'group_by[]=key&group_by[]=model'])
    it(`is grouped by ${query}`, () => assert.deepEqual(read(query).groups, ['key', 'model']))

  for (const [query, param, message] of [
    ['start_date=2026-02-30', 'start_date', /such as "2026-11-28"/],
    ['start_date=1764288000', 'start_date', /such as "2026-11-28"/],
    ['end_date=28.11.2026', 'end_date', /such as "2026-11-28"/],
    ['start_date=2026-11-29', 'end_date', /not before start_date/],
    ['start_date=2025-01-01', 'start_date', /at most 400 days/],
    ['group_by=hour', 'group_by[0]', /"day", "key" or "model"/],
    ['limit=0', 'limit', /from 1 to 1000/],
  ] as const) {
    it(`is no ${query}`, () => {
      assert.throws(
        () => read(query),
        (error: unknown) => error instanceof GatewayError && error.param === param && message.test(error.message),
      )
    })
  }
})

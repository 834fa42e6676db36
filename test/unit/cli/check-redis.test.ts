import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { versionFinding } from '../../../gateway/cli/check-redis.ts'

describe('versionFinding', () => {
  for (const [version, state] of [
    ['5.0.14', 'broken'],
    ['6.0.16', 'broken'],
    ['6.2.0', 'good'],
    ['7.0.15', 'good'],
    ['10.1', 'good'],
    ['unknown', 'good'],
  ] as const)
    it(`calls ${version} ${state}`, () => {
      const found = versionFinding(version)
      assert.equal(found.state, state)
      assert.equal(found.todo?.startsWith('use Redis 6.2 or newer') ?? false, state === 'broken')
    })
})

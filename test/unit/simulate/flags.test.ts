import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const main = join(import.meta.dirname, '../../simulate/main.ts')
const simulate = (...flags: readonly string[]) => spawnSync(process.execPath, [main, ...flags], { encoding: 'utf8' })

describe('the flags of the simulator', () => {
  it('are listed when they are asked for', () => {
    const { status, stdout } = simulate('--help')
    assert.equal(status, 0)
    assert.match(stdout, /--pages-per-day/)
  })

  it('are refused where nothing could be simulated with them', () => {
    for (const [name, value] of [
      ['gpus', '0'],
      ['known', '1.2'],
      ['peak', 'Infinity'],
    ]) {
      const { status, stdout, stderr } = simulate(`--${name}=${value}`)
      assert.deepEqual([status, stdout], [1, ''])
      assert.match(stderr, new RegExp(`^--${name} is a .*from .* to .*, not "${value}"`))
    }
  })
})

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { loadConfig, type Config } from '../../../gateway/config/load.ts'
import { checkMachine, checkMemory, tellOf } from '../../../gateway/wiring/machine.ts'

const MEBIBYTE = 1024 ** 2

function configOf(environment: Readonly<Record<string, string>>): Config {
  return loadConfig(environment).config ?? assert.fail('no configuration')
}

describe('the memory of the machine', () => {
  const sizes = {
    GATEWAY_RASTERIZE_THREADS: '2',
    GATEWAY_RASTERIZE_MEMORY_MEGABYTES: '576',
    GATEWAY_MAX_BUFFERED_BYTES: `${640 * MEBIBYTE}`,
    GATEWAY_CACHE_MAX_BYTES: `${256 * MEBIBYTE}`,
  }
  // 250 + 640 + 2 × 180, one large page of 576 MB, and the cache where it is not in Redis.
  const needed = (250 + 640 + 360) * MEBIBYTE + 576e6
  const rows = [
    { name: 'no limit', more: {}, limit: 0, state: undefined },
    { name: 'what the kernel calls no limit', more: {}, limit: 2 ** 64, state: undefined },
    { name: 'enough', more: {}, limit: needed + 256 * MEBIBYTE, state: 'good' },
    { name: 'too little', more: {}, limit: needed + 255 * MEBIBYTE, state: 'note' },
    { name: 'pages in Redis', more: { GATEWAY_REDIS_URL: 'redis://redis' }, limit: needed, state: 'good' },
  ]
  for (const { name, more, limit, state } of rows)
    it(`is held against what the settings let it come to: ${name}`, () => {
      assert.equal(checkMemory(configOf({ ...sizes, ...more }), limit)?.state, state)
    })
})

describe('the machine', () => {
  it('is warned of at the start: what it lacks, and what to do', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'ocr-machine-'))
    try {
      const good = await checkMachine(
        configOf({ GATEWAY_DATA_DIR: join(dataDir, 'new'), GATEWAY_MAX_CONNECTIONS: '1' }),
      )
      assert.equal(good.find(({ what }) => what === 'Data folder')?.state, 'good')
      const bad = await checkMachine(configOf({ GATEWAY_DATA_DIR: '/proc/data', GATEWAY_MAX_CONNECTIONS: '1000000' }))
      const told: [object, string | undefined][] = []
      tellOf(bad, { warn: (facts: object, text?: string) => void told.push([facts, text]) })
      const gone = await checkMachine(
        configOf({ GATEWAY_DATA_DIR: dataDir, GATEWAY_GOTENBERG_URL: 'http://127.0.0.1:1' }),
      )
      assert.equal(gone.find(({ what }) => what === 'Gotenberg')?.state, 'broken')
      const [folder] = told
      assert.match(folder?.[1] ?? '', /^\/proc\/data cannot be written: /)
      assert.match(JSON.stringify(folder?.[0]), /GATEWAY_DATA_DIR/)
    } finally {
      rmSync(dataDir, { recursive: true })
    }
  })
})

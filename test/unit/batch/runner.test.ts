import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClaimedTask } from '../../../gateway/batch/queue.ts'
import { createRunner, type RunnerServices } from '../../../gateway/batch/runner.ts'
import { GatewayError } from '../../../gateway/errors.ts'
import { createMetrics } from '../../../gateway/telemetry/metrics.ts'
import { eventually } from '../../support/within.ts'

const LINES = 200

/** A queue that hands out the lines of a batch whose engine is away, then one of another batch, and nothing more. */
function queueOf(done: string[], putBack: string[]) {
  let next = 0
  const { signal: lost } = new AbortController()
  return {
    onWork: () => () => {},
    async claim(): Promise<ClaimedTask | null> {
      const line = next++
      if (line > LINES) return null
      const batch = line === LINES ? 'batch_2' : 'batch_1'
      const task = { batch, kind: 'line', line } as const
      return {
        task,
        attempts: 1,
        lost,
        done: async () => void done.push(batch),
        later: async () => void putBack.push(batch),
      }
    },
  }
}

describe('what a process does for batches', () => {
  it('leaves room for other batches while the engine of one is away, and does not try all of its lines', async () => {
    const [done, putBack]: [string[], string[]] = [[], []]
    let tried = 0
    const services = {
      queue: queueOf(done, putBack),
      store: {
        async find(_: null, id: string) {
          if (id === 'batch_2') return null
          tried += 1
          throw new GatewayError('engine_unavailable', 'Nobody serves it.', { retryAfterSeconds: 60 })
        },
      },
      lifecycle: { draining: false },
      log: { info() {}, error: assert.fail },
      metrics: createMetrics(),
      ocr: { admission: { queued: 0 } },
      capacity: () => 64,
    } as unknown as RunnerServices
    const runner = createRunner(services)
    await eventually(() => done.length > 0, 5000, 'the line of the other batch is done')
    assert.deepEqual(done, ['batch_2'])
    assert.ok(tried < LINES / 2, `${tried} lines were tried`)
    const held = LINES - putBack.length
    assert.ok(held > 0 && held <= 32, `${held} lines are held`)
    await runner.close()
    assert.equal(putBack.length, LINES)
  })

  it('is put back though the queue does not answer', { timeout: 5000 }, async () => {
    const asked = Promise.withResolvers<void>()
    const queue = {
      onWork: () => () => {},
      claim: () => {
        asked.resolve()
        return new Promise<null>(() => {})
      },
    }
    const services = {
      queue,
      lifecycle: { draining: false },
      log: { error: assert.fail },
      metrics: createMetrics(),
      ocr: { admission: { queued: 0 } },
      capacity: () => 1,
    } as unknown as RunnerServices
    const runner = createRunner(services)
    await asked.promise
    await runner.close()
  })
})

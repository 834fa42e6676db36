import type { LateWords } from './late-words.ts'
import { cleanUp, nowInSeconds, timesWith, type LifeCycleServices } from './life-cycle.ts'

/** How often it is looked for batches whose time is over, in milliseconds. */
const LOOK_EVERY = 5000
const COUNT_EVERY = 10_000
const SWEEP_EVERY = 900_000
/** How long it is known what became of a batch, in seconds. */
const KEPT = 30 * 86_400
/** Before any moment, and behind it: to find all that have not ended. */
const NEVER = -1
const ALL = Number.MAX_SAFE_INTEGER

/** Ends batches whose time is over, and forgets those of long ago. */
export interface Keeper {
  close(): Promise<void>
}

/** Starts it; it looks from the start. */
export function startKeeper(services: LifeCycleServices, words: LateWords): Keeper {
  const { log, queue, metrics, blobs } = services
  let running = Promise.resolve()
  let isClosed = false
  let isTroubled = false

  async function inTurn(before: Promise<void>, what: () => Promise<void>): Promise<void> {
    await before
    try {
      if (!isClosed) await what()
      isTroubled = false
    } catch (error) {
      if (!isTroubled) log.error({ err: error }, 'batches could not be looked after')
      isTroubled = true
    }
  }
  const run = (what: () => Promise<void>): void => void (running = inTurn(running, what))
  const count = async (): Promise<void> => metrics.batchLinesWaiting.set((await queue.waiting?.()) ?? 0)
  const timers = [
    setInterval(() => run(() => look(services, words)), LOOK_EVERY),
    setInterval(() => run(count), COUNT_EVERY),
    // What a process has left that was killed while it wrote.
    setInterval(() => run(() => blobs.sweep()), SWEEP_EVERY),
  ]
  timers.forEach((timer) => timer.unref())
  run(() => takeUp(services))
  return {
    async close() {
      isClosed = true
      timers.forEach((timer) => clearInterval(timer))
      await running
    },
  }
}

/** Takes up what was written down, and never said to the queue, when a process died in between. */
async function takeUp({ store, queue }: LifeCycleServices): Promise<void> {
  const { late } = await store.due(ALL, NEVER)
  // Those whose lines are run say so themselves.
  for (const batch of late) if (batch.status !== 'in_progress') await queue.push(batch)
}

async function look(services: LifeCycleServices, words: LateWords): Promise<void> {
  const { store } = services
  await words.tellAgain()
  const now = nowInSeconds()
  const { late, old } = await store.due(now, now - KEPT)
  for (const batch of late) {
    const times = timesWith(batch.times, 'finalizing')
    const changed = await store.change(batch.id, ['validating', 'in_progress'], { status: 'finalizing', times })
    if (changed !== null) await words.tell(changed)
  }
  for (const batch of old) await cleanUp(batch, { ...services, onEnded: async () => {} })
  if (old.length > 0) await store.forget(old.map(({ id }) => id))
}

import { LEASE } from './claims.ts'
import type { Tables } from './tables.ts'

/** The tasks that this process has claimed, and whose leases it renews. */
export interface HeldTasks {
  add(
    batch: string,
    line: number,
  ): {
    readonly lost: AbortSignal
    readonly drop: () => void
    /** What has become of it could not be written: it is put back as soon as that can be, to be handed out again. */
    readonly abandon: () => void
  }
  /** Gives up the lines of a batch. */
  loseLines(batch: string): void
  /** Puts back what is held. */
  close(): Promise<void>
}

const RENEW_EVERY = 3000

interface Held {
  readonly batch: string
  readonly line: number
  readonly lost: AbortController
}

/** Creates them, none of them held. */
export function createHeldTasks(tables: Tables, process: string, onError: (error: unknown) => void): HeldTasks {
  const held = new Map<string, Held>()
  const abandoned = new Map<string, Pick<Held, 'batch' | 'line'>>()

  function lose(name: string, mine: Held): void {
    if (held.get(name) === mine) held.delete(name)
    mine.lost.abort(new DOMException('The task is not this process’s any more.', 'AbortError'))
  }

  async function renew(): Promise<void> {
    if (held.size === 0 && abandoned.size === 0) return
    const before = [...held]
    const left = [...abandoned]
    const rows = await tables.atOnce(() => {
      for (const [, { batch, line }] of left) tables.run(PUT_BACK_ONE, { process, batch, line })
      tables.run(RENEW, { process, until: Date.now() + LEASE })
      return tables.rows<{ name: string }>(NAMES, { process })
    })
    for (const [name] of left) abandoned.delete(name)
    const own = new Set(rows.map(({ name }) => name))
    for (const [name, mine] of before) if (!own.has(name) && held.get(name) === mine) lose(name, mine)
  }

  let isTroubled = false
  const renewing = setInterval(() => {
    renew().then(
      () => (isTroubled = false),
      (error: unknown) => {
        // A disk may be full for days.
        if (!isTroubled) onError(error)
        isTroubled = true
      },
    )
  }, RENEW_EVERY).unref()
  return {
    add(batch, line) {
      const name = `${batch}.${line}`
      const mine: Held = { batch, line, lost: new AbortController() }
      held.set(name, mine)
      const drop = (): void => void (held.get(name) === mine && held.delete(name))
      return {
        lost: mine.lost.signal,
        drop,
        abandon() {
          drop()
          abandoned.set(name, { batch, line })
        },
      }
    },
    loseLines(batch) {
      for (const [name, mine] of held) if (mine.batch === batch && mine.line >= 0) lose(name, mine)
    },
    async close() {
      clearInterval(renewing)
      if (held.size > 0 || abandoned.size > 0) await tables.atOnce(() => tables.run(PUT_BACK_ALL, { process }))
      for (const [name, mine] of held) lose(name, mine)
    },
  }
}

const RENEW = 'UPDATE batch_tasks SET leased_until = :until WHERE process = :process'

const NAMES = `SELECT batch || '.' || line AS name FROM batch_tasks WHERE process = :process`

const PUT_BACK_ALL = `
UPDATE batch_tasks SET process = NULL, leased_until = 0, attempts = attempts - 1 WHERE process = :process`

const PUT_BACK_ONE = `
UPDATE batch_tasks SET process = NULL, leased_until = 0, attempts = attempts - 1
WHERE process = :process AND batch = :batch AND line = :line`

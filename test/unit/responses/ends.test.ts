import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pino } from 'pino'
import { unreadResponse } from '../../../gateway/answer/response.ts'
import { createEndTeller, NOTE_ENDS, type OnEnded } from '../../../gateway/responses/ends.ts'
import { createSql } from '../../../gateway/responses/sql.ts'
import { createResponseStore } from '../../../gateway/responses/store.ts'
import { createResponseWork } from '../../../gateway/responses/work.ts'
import { createDatabase } from '../../../gateway/store/database.ts'
import { eventually } from '../../support/within.ts'
import { makeQuestion } from './make-kept.ts'

const { signal } = new AbortController()
const later = () => Date.now() + 60_000

/** The responses of a folder, as a process has them that tells of their ends, or as one that does not. */
function open(folder: string, more: string = NOTE_ENDS) {
  const database = createDatabase(folder)
  const sql = createSql(database, more)
  const store = createResponseStore(sql)
  const work = createResponseWork(sql)
  const add = (id: string, done: Parameters<typeof store.add>[0]['done'] = null) =>
    store.add({ id, owner: 'one', question: makeQuestion(), done })
  const { createdAt, model, answer } = makeQuestion()
  const doneOf = (id: string) => unreadResponse({ id, createdAt, model, answer }, 'in_progress')
  return {
    sql,
    store,
    work,
    add,
    doneOf,
    /** Tells until something stands in `told`. */
    async tell(onEnded: OnEnded) {
      const teller = createEndTeller({ sql, onEnded, log: pino({ level: 'silent' }) })
      const left = () => sql.count('SELECT count(*) AS count FROM response_ends')
      await eventually(() => left() === 0, 10_000, 'all ends are told')
      await teller.close()
    },
    close: () => database.close(),
  }
}

function inFolder(run: (folder: string) => Promise<void>) {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
    try {
      await run(folder)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** Ends responses in each way that there is. */
async function endAll({ add, work, store, doneOf }: ReturnType<typeof open>): Promise<void> {
  for (const id of ['completed', 'failed', 'cancelled', 'deleted', 'waits']) await add(id)
  for (let claimed = work.claim('p', later(), 9); claimed !== null; claimed = work.claim('p', later(), 9)) {
    const { id } = claimed
    if (id === 'completed') await work.complete(id, 'p', doneOf(id), signal)
    if (id === 'failed') await work.fail(id, 'p', { code: 'internal_error', message: '', param: null })
  }
  await store.cancel('cancelled', 'one')
  await store.remove('deleted')
}

describe('the end of a background response', () => {
  it(
    'is noted with the end itself, however it came to be, and told by the next process where the first was killed',
    inFolder(async (folder) => {
      const first = open(folder)
      await endAll(first)
      // Nobody was told: the process is killed here.
      first.close()
      const second = open(folder)
      const told: string[] = []
      await second.tell(
        async (ends) => void told.push(...ends.map(({ id, owner, status }) => `${id} ${owner} ${status}`)),
      )
      assert.deepEqual(told.toSorted(), ['cancelled one cancelled', 'completed one completed', 'failed one failed'])
      // Once told, it is not told again.
      await second.tell(async () => assert.fail('told twice'))
      second.close()
    }),
  )

  it(
    'is told again until somebody has taken it',
    inFolder(async (folder) => {
      const kept = open(folder)
      await endAll(kept)
      let tries = 0
      await kept.tell(async (ends) => {
        tries += 1
        assert.equal(ends.length, 3)
        if (tries < 2) throw new Error('Redis is away')
      })
      assert.equal(tries, 2)
      kept.close()
    }),
  )

  it(
    'is not told of a response whose client waited for it, nor where nobody wants to know',
    inFolder(async (folder) => {
      const silent = open(folder, '')
      await endAll(silent)
      assert.equal(silent.sql.count('SELECT count(*) AS count FROM response_ends'), 0)
      silent.close()
      const kept = open(folder)
      await kept.add('waited for', kept.doneOf('waited for'))
      assert.equal(kept.sql.count('SELECT count(*) AS count FROM response_ends'), 0)
      kept.close()
    }),
  )
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KeptQuestion } from '../../../gateway/responses/kept.ts'
import { createSql } from '../../../gateway/responses/sql.ts'
import { createResponseStore } from '../../../gateway/responses/store.ts'
import { createResponseWork } from '../../../gateway/responses/work.ts'
import { createDatabase } from '../../../gateway/store/database.ts'

/** Makes the question of a response, with everything that a test does not care about. */
export function makeQuestion(parts: Partial<KeptQuestion> = {}): KeptQuestion {
  return {
    requestId: 'req_1',
    createdAt: 1,
    model: 'ocr',
    answer: {
      stream: false,
      background: true,
      store: true,
      instructions: null,
      metadata: {},
      previousResponseId: null,
      format: { type: 'text' },
      serviceTier: 'default',
    },
    userText: '',
    leftOut: 0,
    options: {
      pages: null,
      task: null,
      fields: null,
      minConfidence: null,
      output: 'markdown',
      pageSeparator: '',
      preparation: {},
      onPageError: 'mark',
      onDeadline: 'fail',
      cache: 'use',
      confidence: false,
      dryRun: false,
      answerFormat: null,
      documents: 'last',
      figures: null,
      join: false,
      headers: 'keep',
      footers: 'keep',
      fallbackModel: null,
      verify: null,
      isAuto: false,
      lane: 'interactive',
      patienceSeconds: null,
    },
    documents: [],
    items: [],
    ...parts,
  }
}

/** Opens the kept responses of a folder of their own. */
export function openKept() {
  const folder = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
  const database = createDatabase(folder)
  const sql = createSql(database)
  const store = createResponseStore(sql)
  return {
    folder,
    sql,
    store,
    work: createResponseWork(sql),
    /** Adds a background response. */
    add(id: string, owner = '', lane: 'interactive' | 'batch' = 'interactive', bytes = 0): void {
      const { options } = makeQuestion()
      const document = { sha256: '', bytes, param: '', filename: null, declaredMediaType: null }
      const question = makeQuestion({ options: { ...options, lane }, documents: [document] })
      // At once: nobody else has the database.
      void store.add({ id, owner, question, done: null })
    },
    [Symbol.dispose]() {
      database.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

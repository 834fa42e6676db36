import { readResult, writeResult } from '../../ocr/finished-pages.ts'
import type { LinePages } from '../line-pages.ts'
import type { Tables } from './tables.ts'

/** Creates what keeps the pages of lines in the embedded database. */
export function createEmbeddedPages(tables: Tables): LinePages {
  return {
    of(batch, line, part, signal) {
      const place = { batch, line, part }
      return {
        has: (page) => tables.rows(`SELECT 1 ${OF_PAGE}`, { ...place, page }).length > 0,
        find(page) {
          const [row] = tables.rows<{ result: string }>(`SELECT result ${OF_PAGE}`, { ...place, page })
          return row === undefined ? null : readResult(row.result)
        },
        async add(page, result) {
          const values = { ...place, page, result: writeResult(result) }
          await tables.atOnce(() => tables.run(ADD, values), signal)
        },
      }
    },
    async forget(batch, line) {
      await tables.atOnce(() =>
        line === undefined
          ? tables.run('DELETE FROM batch_pages WHERE batch = :batch', { batch })
          : tables.run('DELETE FROM batch_pages WHERE batch = :batch AND line = :line', { batch, line }),
      )
    },
  }
}

const OF_PAGE = 'FROM batch_pages WHERE batch = :batch AND line = :line AND part = :part AND page = :page'

const ADD = 'INSERT OR REPLACE INTO batch_pages VALUES (:batch, :line, :part, :page, :result)'

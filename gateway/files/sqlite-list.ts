import type { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { COLUMNS } from './sqlite-files.ts'
import { nowInSeconds } from './clock.ts'
import type { FilePage, FileQuery, StoredFile } from './stored-file.ts'

/** Files that are looked at before everything else has its turn: some milliseconds. A key may have millions. */
const SLICE = 2000

/** Returns a part of the list of an owner's files. */
export async function listFiles(tables: DatabaseSync, owner: string, query: FileQuery): Promise<FilePage> {
  const { after, limit, order, counts } = query
  const files: StoredFile[] = []
  let total = 0
  let skipped = 0
  // Before and behind all ids.
  let from: string | null = after ?? (order === 'asc' ? '' : '~')
  const isEnough = (): boolean => !counts && files.length > limit
  while (from !== null && !isEnough()) {
    const end = endOfSlice(tables, owner, from, order)
    const slice = sliceOf(owner, query, from, end)
    const listed = countIn(tables, slice)
    const skip = Math.min(query.offset - skipped, listed)
    if (skip < listed) files.push(...filesIn(tables, slice, order, { limit: limit + 1 - files.length, skip }))
    skipped += skip
    total += listed
    from = end
    if (from !== null) await setImmediate()
  }
  return { files: files.slice(0, limit), hasMore: files.length > limit, total: counts ? total : null }
}

/** What decides whether a file is in a part of a list, as SQL. */
interface Slice {
  readonly conditions: string
  readonly values: readonly (string | number)[]
}

/** Returns the id of the last file of a slice; null where it is the last slice. */
function endOfSlice(tables: DatabaseSync, owner: string, from: string, order: 'asc' | 'desc'): string | null {
  const found = tables
    .prepare(
      `SELECT id FROM files WHERE owner = ? AND id ${order === 'asc' ? '>' : '<'} ? ORDER BY id ${order} LIMIT 1 OFFSET ?`,
    )
    .get(owner, from, SLICE - 1)
  return found === undefined ? null : String(found['id'])
}

function sliceOf(
  owner: string,
  { order, purpose, search, mediaTypes }: FileQuery,
  from: string,
  end: string | null,
): Slice {
  const isRising = order === 'asc'
  const asked: [string, string | number][] = [
    ['owner = ?', owner],
    ['expires_at > ?', nowInSeconds()],
    [`id ${isRising ? '>' : '<'} ?`, from],
  ]
  if (end !== null) asked.push([`id ${isRising ? '<=' : '>='} ?`, end])
  if (purpose !== null) asked.push(['purpose = ?', purpose])
  if (search !== null) asked.push(['instr(lower(filename), lower(?)) > 0', search])
  if (mediaTypes !== null) {
    asked.push(['media_type IN (SELECT value FROM json_each(?))', JSON.stringify(mediaTypes)])
  }
  return {
    conditions: asked.map(([condition]) => condition).join(' AND '),
    values: asked.map(([, value]) => value),
  }
}

function countIn(tables: DatabaseSync, { conditions, values }: Slice): number {
  const found = tables.prepare(`SELECT count(*) AS listed FROM files WHERE ${conditions}`).get(...values)
  return Number(found?.['listed'])
}

function filesIn(
  tables: DatabaseSync,
  { conditions, values }: Slice,
  order: 'asc' | 'desc',
  { limit, skip }: { readonly limit: number; readonly skip: number },
): StoredFile[] {
  return tables
    .prepare(`SELECT ${COLUMNS} FROM files WHERE ${conditions} ORDER BY id ${order} LIMIT ? OFFSET ?`)
    .all(...values, limit, skip) as unknown as StoredFile[]
}

import type { DatabaseSync } from 'node:sqlite'
import type { OwnedFile } from './facts.ts'
import type { StoredCounts } from './file-table.ts'
import { nowInSeconds } from './clock.ts'
import type { StoredFile } from './stored-file.ts'

/** What is known of a file, as SQL selects it. */
export const COLUMNS = `id, bytes, sha256, filename, purpose, media_type AS mediaType, created_at AS createdAt,
  expires_at AS expiresAt`

/** Adds a file, unless it is there. */
export function insertFile(tables: DatabaseSync, owner: string, file: StoredFile): void {
  const { id, bytes, sha256, filename, purpose, mediaType, createdAt, expiresAt } = file
  tables
    .prepare('INSERT OR IGNORE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
    .run(id, owner, bytes, sha256, filename, purpose, mediaType, createdAt, expiresAt)
}

/** Returns a file that is not expired; of any owner where that is null. */
export function selectFile(tables: DatabaseSync, owner: string | null, id: string): StoredFile | null {
  const found = tables
    .prepare(`SELECT ${COLUMNS} FROM files WHERE id = ? AND owner = coalesce(?, owner) AND expires_at > ?`)
    .get(id, owner, nowInSeconds())
  return (found as StoredFile | undefined) ?? null
}

/** Removes a file of an owner; returns whether there was one. */
export function deleteFile(tables: DatabaseSync, owner: string, id: string): boolean {
  const { changes } = tables
    .prepare('DELETE FROM files WHERE id = ? AND owner = ? AND expires_at > ?')
    .run(id, owner, nowInSeconds())
  return changes > 0
}

/** Returns the ids of files whose time is over, of some of them. */
export function selectExpired(tables: DatabaseSync, limit: number): string[] {
  const found = tables.prepare('SELECT id FROM files WHERE expires_at <= ? LIMIT ?').all(nowInSeconds(), limit)
  return found.map(({ id }) => String(id))
}

/** Removes files, whosever they are. */
export function deleteFiles(tables: DatabaseSync, ids: readonly string[]): void {
  tables.prepare('DELETE FROM files WHERE id IN (SELECT value FROM json_each(?))').run(JSON.stringify(ids))
}

/** Returns those of some ids that neither a file nor a part of an upload has. */
export function unownedIds(tables: DatabaseSync, ids: readonly string[]): string[] {
  const unowned = tables
    .prepare(
      `SELECT value AS id FROM json_each(?) WHERE value NOT IN (SELECT id FROM files WHERE id = value)
       AND value NOT IN (SELECT id FROM upload_parts WHERE id = value)`,
    )
    .all(JSON.stringify(ids))
  return unowned.map(({ id }) => String(id))
}

/** Returns what an owner has stored, or all have. */
export function selectStored(tables: DatabaseSync, owner: string | null): StoredCounts {
  const { items, bytes, files } = tables
    .prepare(
      `SELECT coalesce(sum(items), 0) AS items, coalesce(sum(bytes), 0) AS bytes, coalesce(sum(files), 0) AS files
       FROM stored WHERE owner = coalesce(?, owner)`,
    )
    .get(owner) as Record<'items' | 'bytes' | 'files', number>
  return { items, bytes, files }
}

/** Returns files that are not expired behind an id, whosever they are; some of them. */
export function selectOwned(tables: DatabaseSync, after: string, limit: number): OwnedFile[] {
  const found = tables
    .prepare(`SELECT owner, ${COLUMNS} FROM files WHERE id > ? AND expires_at > ? ORDER BY id LIMIT ?`)
    .all(after, nowInSeconds(), limit) as unknown as OwnedRow[]
  return found.map(({ owner, ...file }) => ({ owner, file }))
}

/** Returns a file that is not expired, and whose it is. */
export function selectOwnedFile(tables: DatabaseSync, id: string): OwnedFile | null {
  const found = tables
    .prepare(`SELECT owner, ${COLUMNS} FROM files WHERE id = ? AND expires_at > ?`)
    .get(id, nowInSeconds()) as OwnedRow | undefined
  if (found === undefined) return null
  const { owner, ...file } = found
  return { owner, file }
}

type OwnedRow = StoredFile & { readonly owner: string }

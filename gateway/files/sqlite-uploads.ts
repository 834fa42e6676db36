import type { DatabaseSync } from 'node:sqlite'
import { nowInSeconds } from './clock.ts'
import { KNOWN_FOR, type Upload, type UploadPart } from './upload.ts'

const COLUMNS = `id, bytes, filename, purpose, media_type AS mediaType, file_seconds AS fileSeconds, file_id AS fileId,
  created_at AS createdAt, expires_at AS expiresAt,
  CASE WHEN status = 'pending' AND expires_at <= ? THEN 'expired' ELSE status END AS status`

/** Adds an upload. */
export function insertUpload(tables: DatabaseSync, owner: string, upload: Upload): void {
  const { id, bytes, filename, purpose, mediaType, fileSeconds, status, fileId, createdAt, expiresAt } = upload
  tables
    .prepare('INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    .run(id, owner, bytes, filename, purpose, mediaType, fileSeconds, status, fileId, createdAt, expiresAt)
}

/** Returns an upload of an owner. */
export function selectUpload(tables: DatabaseSync, owner: string, id: string): Upload | null {
  const found = tables
    .prepare(`SELECT ${COLUMNS} FROM uploads WHERE id = ? AND owner = ?`)
    .get(nowInSeconds(), id, owner)
  return (found as Upload | undefined) ?? null
}

/** Ends a pending upload; returns whether it was one. */
export function endUpload(
  tables: DatabaseSync,
  id: string,
  status: 'completed' | 'cancelled',
  fileId: string | null,
): boolean {
  const { changes } = tables
    .prepare(`UPDATE uploads SET status = ?, file_id = ? WHERE id = ? AND status = 'pending' AND expires_at > ?`)
    .run(status, fileId, id, nowInSeconds())
  return changes > 0
}

/** Adds a part, unless its upload is over; returns whether it was added. */
export function insertPart(tables: DatabaseSync, owner: string, uploadId: string, part: UploadPart): boolean {
  const { changes } = tables
    .prepare(
      `INSERT INTO upload_parts SELECT ?, id, ?, ?, ? FROM uploads
       WHERE id = ? AND status = 'pending' AND expires_at > ?`,
    )
    .run(part.id, owner, part.bytes, part.createdAt, uploadId, nowInSeconds())
  return changes > 0
}

/** Returns the parts of an upload. */
export function selectParts(tables: DatabaseSync, uploadId: string): UploadPart[] {
  return tables
    .prepare('SELECT id, bytes, created_at AS createdAt FROM upload_parts WHERE upload_id = ?')
    .all(uploadId) as unknown as UploadPart[]
}

/** Forgets the parts of an upload; returns their ids. */
export function deleteParts(tables: DatabaseSync, uploadId: string): string[] {
  return tables
    .prepare('DELETE FROM upload_parts WHERE upload_id = ? RETURNING id')
    .all(uploadId)
    .map(({ id }) => String(id))
}

/** Returns the ids of uploads that were neither completed nor cancelled in time, of some of them. */
export function selectGivenUp(tables: DatabaseSync, limit: number): string[] {
  const found = tables
    .prepare(`SELECT id FROM uploads WHERE status = 'pending' AND expires_at <= ? LIMIT ?`)
    .all(nowInSeconds(), limit)
  return found.map(({ id }) => String(id))
}

/** Gives up an upload whose time is over, and forgets its parts. */
export function giveUp(tables: DatabaseSync, id: string): void {
  const { changes } = tables
    .prepare(`UPDATE uploads SET status = 'expired' WHERE id = ? AND status = 'pending' AND expires_at <= ?`)
    .run(id, nowInSeconds())
  if (changes > 0) deleteParts(tables, id)
}

/** Forgets uploads of long ago, some of them; returns whether there were any. */
export function deleteOldUploads(tables: DatabaseSync, limit: number): boolean {
  const { changes } = tables
    .prepare(
      `DELETE FROM uploads WHERE id IN
       (SELECT id FROM uploads WHERE expires_at <= ? AND status <> 'pending' LIMIT ?)`,
    )
    .run(nowInSeconds() - KNOWN_FOR, limit)
  return changes > 0
}

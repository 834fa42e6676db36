import type { DatabaseSync } from 'node:sqlite'
import type { Database } from '../store/database.ts'
import { asStorageFull } from './storage-full.ts'

/**
 * Times are in seconds. The owner is the name of an API key; empty: of a gateway without keys. `stored` counts what each
 * owner has, so that nobody has to sum it up.
 */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS files (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, filename TEXT NOT NULL,
  purpose TEXT NOT NULL, media_type TEXT, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_by_owner ON files (owner, id);
CREATE INDEX IF NOT EXISTS files_by_expiry ON files (expires_at);
CREATE TABLE IF NOT EXISTS uploads (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, bytes INTEGER NOT NULL, filename TEXT NOT NULL, purpose TEXT NOT NULL,
  media_type TEXT, file_seconds INTEGER, status TEXT NOT NULL, file_id TEXT, created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS uploads_by_expiry ON uploads (expires_at);
CREATE INDEX IF NOT EXISTS uploads_by_status ON uploads (status, expires_at);
CREATE TABLE IF NOT EXISTS upload_parts (
  id TEXT PRIMARY KEY, upload_id TEXT NOT NULL, owner TEXT NOT NULL, bytes INTEGER NOT NULL, created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS parts_by_upload ON upload_parts (upload_id);
CREATE TABLE IF NOT EXISTS stored (
  owner TEXT PRIMARY KEY, items INTEGER NOT NULL, bytes INTEGER NOT NULL, files INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
${counted('files', { hasBytes: true, isFile: true })}
${counted('upload_parts', { hasBytes: true, isFile: false })}
${counted('uploads', { hasBytes: false, isFile: false })}
`

/** An upload has no bytes but those of its parts; without being counted, there could be any number of them. */
function counted(
  table: string,
  { hasBytes, isFile }: { readonly hasBytes: boolean; readonly isFile: boolean },
): string {
  const files = Number(isFile)
  const bytes = (row: 'new' | 'old'): string => (hasBytes ? `${row}.bytes` : '0')
  return `
CREATE TRIGGER IF NOT EXISTS ${table}_added AFTER INSERT ON ${table} BEGIN
  INSERT INTO stored (owner, items, bytes, files) VALUES (new.owner, 1, ${bytes('new')}, ${files})
  ON CONFLICT (owner) DO UPDATE SET items = items + 1, bytes = bytes + excluded.bytes, files = files + ${files};
END;
CREATE TRIGGER IF NOT EXISTS ${table}_removed AFTER DELETE ON ${table} BEGIN
  UPDATE stored SET items = items - 1, bytes = bytes - ${bytes('old')}, files = files - ${files} WHERE owner = old.owner;
END;`
}

/** Opens the tables of files and uploads. Throws `storage_full` where the disk has no room for what SQLite needs beside them. */
export function openTables(database: Database): DatabaseSync {
  try {
    return database.open(SCHEMA)
  } catch (thrown) {
    throw asStorageFull(thrown)
  }
}

/** Runs a change of several tables: all of it happens, or nothing. Throws `storage_full` where the disk has no room. */
export function atOnce<T>(tables: DatabaseSync, change: () => T): T {
  try {
    tables.exec('BEGIN IMMEDIATE')
    const result = change()
    tables.exec('COMMIT')
    return result
  } catch (thrown) {
    // On a full disk SQLite does so itself.
    if (tables.isTransaction) tables.exec('ROLLBACK')
    throw asStorageFull(thrown)
  }
}

/** Returns the time, in seconds, as the tables have it. */
export const nowInSeconds = (): number => Math.floor(Date.now() / 1000)

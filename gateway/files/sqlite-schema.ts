import type { DatabaseSync } from 'node:sqlite'
import type { Database } from '../store/database.ts'
import { asStorageFailure } from './storage-failure.ts'

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
    throw asStorageFailure(thrown)
  }
}

/**
 * Runs a change of several tables: all of it happens, or nothing. It is tried again, for some seconds, while another process
 * has them locked. Throws what it throws, and `storage_full` where the disk has no room.
 */
export async function atOnce<T>(database: Database, change: (tables: DatabaseSync) => T): Promise<T> {
  try {
    return await database.patiently(() => transact(openTables(database), change))
  } catch (thrown) {
    throw asStorageFailure(thrown)
  }
}

function transact<T>(tables: DatabaseSync, change: (tables: DatabaseSync) => T): T {
  try {
    tables.exec('BEGIN IMMEDIATE')
    const result = change(tables)
    tables.exec('COMMIT')
    return result
  } catch (thrown) {
    // On a full disk SQLite does so itself.
    if (tables.isTransaction) tables.exec('ROLLBACK')
    throw thrown
  }
}

/** Returns a secret by its name. */
export function selectSecret(tables: DatabaseSync, name: string): Uint8Array | null {
  const found = tables.prepare('SELECT value FROM secrets WHERE name = ?').get(name)
  return (found?.['value'] as Uint8Array | undefined) ?? null
}

/** Notes a secret, unless there is one of that name. */
export function insertSecret(tables: DatabaseSync, name: string, value: Uint8Array): void {
  tables.prepare('INSERT OR IGNORE INTO secrets VALUES (?, ?)').run(name, value)
}

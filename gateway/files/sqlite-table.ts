import type { DatabaseSync } from 'node:sqlite'
import type { Database } from '../store/database.ts'
import type { FileTable } from './file-table.ts'
import { expectRoom, type Limits } from './quota.ts'
import {
  deleteFile,
  deleteFiles,
  insertFile,
  selectExpired,
  selectFile,
  selectStored,
  unownedIds,
} from './sqlite-files.ts'
import { listFiles } from './sqlite-list.ts'
import { atOnce, openTables, selectSecret, insertSecret } from './sqlite-schema.ts'
import * as uploads from './sqlite-uploads.ts'

/** Under this name a table notes that it knows of all files. */
const FILLED = 'filled'

/** Keeps the table in the embedded database. Nothing is written before something is added. */
export function createSqliteTable(database: Database): FileTable {
  const tables = () => openTables(database)
  const change = <T>(work: (opened: DatabaseSync) => T): Promise<T> => atOnce(database, work)
  return {
    addFile: (owner, file, limits) =>
      change((opened) => {
        if (limits !== null) expectRoomIn(opened, owner, file.bytes, limits)
        insertFile(opened, owner, file)
      }),
    findFile: async (owner, id) => selectFile(tables(), owner, id),
    listFiles: async (owner, query) => listFiles(tables(), owner, query),
    removeFile: (owner, id) => change((opened) => deleteFile(opened, owner, id)),
    stored: async (owner) => selectStored(tables(), owner),
    ...uploadsIn(database),
    expiredFiles: async (limit) => selectExpired(tables(), limit),
    forgetFiles: async (ids) => deleteFiles(tables(), ids),
    unowned: async (ids) => unownedIds(tables(), ids),
    async secret(name, make) {
      // A disk that is full can still be read.
      const found = selectSecret(tables(), name)
      if (found !== null) return found
      const made = await make()
      await change((opened) => insertSecret(opened, name, made))
      return selectSecret(tables(), name) ?? made
    },
    isFilled: async () => selectSecret(tables(), FILLED) !== null,
    filled: () => change((opened) => insertSecret(opened, FILLED, new Uint8Array(1))),
    claim: async () => true,
  }
}

type UploadTable = Pick<
  FileTable,
  | 'addUpload'
  | 'findUpload'
  | 'partsOf'
  | 'addPart'
  | 'completeUpload'
  | 'cancelUpload'
  | 'givenUpUploads'
  | 'giveUp'
  | 'forgetOldUploads'
>

function uploadsIn(database: Database): UploadTable {
  const tables = () => openTables(database)
  const change = <T>(work: (opened: DatabaseSync) => T): Promise<T> => atOnce(database, work)
  return {
    addUpload: (owner, upload, limits) =>
      change((opened) => {
        expectRoomIn(opened, owner, 0, limits)
        uploads.insertUpload(opened, owner, upload)
      }),
    findUpload: async (owner, id) => uploads.selectUpload(tables(), owner, id),
    partsOf: async (id) => uploads.selectParts(tables(), id),
    addPart: (owner, id, part, limits) =>
      change((opened) => {
        expectRoomIn(opened, owner, part.bytes, limits)
        return uploads.insertPart(opened, owner, id, part)
      }),
    completeUpload: (owner, id, file) =>
      change((opened) => {
        if (!uploads.endUpload(opened, id, 'completed', file.id)) return null
        insertFile(opened, owner, file)
        return uploads.deleteParts(opened, id)
      }),
    cancelUpload: (id) =>
      change((opened) => (uploads.endUpload(opened, id, 'cancelled', null) ? uploads.deleteParts(opened, id) : [])),
    async givenUpUploads(limit) {
      const ids = uploads.selectGivenUp(tables(), limit)
      return ids.map((id) => ({ id, partIds: uploads.selectParts(tables(), id).map((part) => part.id) }))
    },
    giveUp: (id) => change((opened) => uploads.giveUp(opened, id)),
    forgetOldUploads: async (limit) => uploads.deleteOldUploads(tables(), limit),
  }
}

function expectRoomIn(tables: DatabaseSync, owner: string, bytes: number, limits: Limits): void {
  expectRoom({ all: selectStored(tables, null), owner: selectStored(tables, owner) }, bytes, limits)
}

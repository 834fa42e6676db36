import type { Database } from '../store/database.ts'
import type { OwnedFile } from './facts.ts'
import type { Keeping } from './file-store.ts'
import { NAME as SIGNING } from './signed-addresses.ts'
import { deleteFiles, selectOwned, selectOwnedFile } from './sqlite-files.ts'
import { openTables, selectSecret } from './sqlite-schema.ts'

/** Files that are moved at a time. */
const BATCH = 100

/** What the embedded database knows from the time before the gateway had a Redis. */
export interface Earlier {
  /** The secret that signed addresses then; null: there is none. */
  readonly signingSecret: () => Uint8Array | null
  /** Tells the table of one file at once, where somebody asks for it; returns whether there is one to be told of. */
  readonly importFile: (id: string) => Promise<boolean>
  /** Tells the table of all files. A file whose bytes are not where they are kept now is left, until somebody has copied them. */
  readonly importAll: () => Promise<void>
}

/** Returns what was known earlier; files that the table was told of are forgotten here. */
export function createEarlier(database: Database, keeping: Keeping): Earlier {
  const signingSecret = () => (database.exists() ? selectSecret(openTables(database), SIGNING) : null)
  return {
    signingSecret,
    async importFile(id) {
      const owned = database.exists() ? selectOwnedFile(openTables(database), id) : null
      return owned !== null && importFile(database, keeping, owned)
    },
    async importAll() {
      if (!database.exists()) return
      const tables = openTables(database)
      for (let after: string | null = ''; after !== null;) {
        const found = selectOwned(tables, after, BATCH)
        for (const owned of found) await importFile(database, keeping, owned)
        after = found.at(-1)?.file.id ?? null
      }
    },
  }
}

async function importFile(database: Database, { table, blobs, facts }: Keeping, owned: OwnedFile): Promise<boolean> {
  const { owner, file } = owned
  if ((await blobs.changedAt(file.id)) === null) return false
  await table.addFile(owner, file, null)
  await facts.keep(owned)
  deleteFiles(openTables(database), [file.id])
  return true
}

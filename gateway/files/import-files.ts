import type { Database } from '../store/database.ts'
import type { Keeping } from './file-store.ts'
import { NAME as SIGNING } from './signed-addresses.ts'
import { deleteFiles, selectOwned } from './sqlite-files.ts'
import { openTables, selectSecret } from './sqlite-schema.ts'

/** Files that are moved at a time. */
const BATCH = 100

/**
 * Tells the table of the files that the embedded database knows of, from the time before the gateway had a Redis; it forgets
 * them. A file whose bytes are not where they are kept now stays there, and is moved when somebody has copied them.
 */
export async function importFiles(database: Database, { table, blobs, facts }: Keeping): Promise<void> {
  if (!database.exists()) return
  const tables = openTables(database)
  const secret = selectSecret(tables, SIGNING)
  if (secret !== null) await table.secret(SIGNING, async () => secret)
  for (let after: string | null = ''; after !== null;) {
    const found = selectOwned(tables, after, BATCH)
    for (const { owner, file } of found) {
      if ((await blobs.changedAt(file.id)) === null) continue
      await table.addFile(owner, file, null)
      await facts.keep({ owner, file })
      deleteFiles(tables, [file.id])
    }
    after = found.at(-1)?.file.id ?? null
  }
}

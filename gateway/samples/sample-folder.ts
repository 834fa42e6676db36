import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** A file of the folder. */
export interface SampleEntry {
  readonly id: string
  readonly bytes: number
}

const ENDING = '.sample'
/** What is being written; a process that is killed leaves it. */
const TEMPORARY = '.tmp'
/** What is older is not being written any more, by whatever process. */
const STALE_MS = 10 * 60 * 1000

const ID = /^[0-9a-z]{9}-[0-9a-f]{16}$/

/** Returns a name for a sample: random, and sorted by time. */
export function newSampleId(at: number): string {
  return `${at.toString(36).padStart(9, '0')}-${randomBytes(8).toString('hex')}`
}

const pathOf = (folder: string, id: string): string => join(folder, id + ENDING)

/** Lists the samples of a folder, the oldest first; none where there is no folder. */
export async function listSamples(folder: string): Promise<SampleEntry[]> {
  const names = await readdir(folder).catch(noneIfMissing)
  const ids = names.filter((name) => name.endsWith(ENDING)).map((name) => name.slice(0, -ENDING.length))
  const entries: SampleEntry[] = []
  for (const id of ids.filter((each) => ID.test(each)).toSorted()) {
    // Another process may have removed it.
    const facts = await stat(pathOf(folder, id)).catch(() => null)
    if (facts !== null) entries.push({ id, bytes: facts.size })
  }
  return entries
}

function noneIfMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}

/** Reads the file of a sample; null where there is none of this name. */
export async function readSampleFile(folder: string, id: string): Promise<Buffer | null> {
  if (!ID.test(id)) return null
  return readFile(pathOf(folder, id)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
}

/** Writes the file of a sample, for its owner alone. It is there as a whole, or not at all. */
export async function writeSampleFile(folder: string, id: string, bytes: Uint8Array): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const temporary = pathOf(folder, id) + TEMPORARY
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, pathOf(folder, id))
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw error
  }
}

/** Removes the file of a sample, if it is there. */
export async function removeSampleFile(folder: string, id: string): Promise<void> {
  await rm(pathOf(folder, id), { force: true })
}

/** Removes what processes that were killed have left. */
export async function sweepSamples(folder: string, now: number): Promise<void> {
  for (const name of await readdir(folder).catch(noneIfMissing)) {
    if (!name.endsWith(ENDING + TEMPORARY)) continue
    const facts = await stat(join(folder, name)).catch(() => null)
    if (facts !== null && now - facts.mtimeMs > STALE_MS) await rm(join(folder, name), { force: true })
  }
}

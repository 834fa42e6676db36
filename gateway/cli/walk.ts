import { readdir, realpath, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { isDocument } from './document-kind.ts'
import { fileTrouble, type Unreadable } from './input.ts'

/** What a walk notes beside the documents that it finds. */
export interface WalkNotes {
  readonly unreadable: Unreadable[]
  readonly leftAlone: Map<string, number>
  /** Folders that were walked: a link back to one of them is not followed. */
  readonly seen: Set<string>
  /** Not looked into: what was written there is no input. */
  readonly outDir: string | null
  /** Whether Office documents are documents. */
  readonly hasOffice: boolean
}

/** Finds the documents in a folder and in those below it, by name; names that begin with a dot are left out. */
export async function* walk(folder: string, notes: WalkNotes): AsyncGenerator<string, void, undefined> {
  const entries = await look(folder, notes, async () => {
    if (!(await enter(folder, notes))) return []
    const found = await readdir(folder, { withFileTypes: true })
    return found.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  })
  for (const entry of entries ?? []) {
    if (entry.name.startsWith('.')) continue
    const path = join(folder, entry.name)
    const kind = entry.isSymbolicLink() ? await look(path, notes, () => stat(path)) : entry
    if (kind?.isDirectory() === true) yield* walk(path, notes)
    else if (kind?.isFile() === true && (await look(path, notes, () => isWanted(path, notes))) === true) yield path
  }
}

async function enter(folder: string, { seen, outDir }: WalkNotes): Promise<boolean> {
  const real = await realpath(folder)
  if (seen.has(real) || real === outDir) return false
  seen.add(real)
  return true
}

async function isWanted(path: string, { leftAlone, hasOffice }: WalkNotes): Promise<boolean> {
  // An ending alone would tell; whether it can be found again must be known, too.
  if (lossyName(path) !== null) await stat(path)
  if (await isDocument(path, hasOffice)) return true
  const ending = extname(path).toLowerCase()
  leftAlone.set(ending, (leftAlone.get(ending) ?? 0) + 1)
  return false
}

async function look<T>(path: string, notes: WalkNotes, act: () => Promise<T>): Promise<T | null> {
  try {
    return await act()
  } catch (error) {
    notes.unreadable.push({ name: path, message: `cannot be read: ${lossyName(path) ?? fileTrouble(error)}` })
    return null
  }
}

/** Node gives names as text: what is no UTF-8 in them cannot be found again. */
function lossyName(path: string): string | null {
  return path.includes('\ufffd') ? 'its name is not UTF-8; rename it' : null
}

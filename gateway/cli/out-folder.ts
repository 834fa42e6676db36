import { createHash, randomUUID } from 'node:crypto'
import { closeSync, existsSync, openSync, statSync } from 'node:fs'
import { copyFile, mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isFigure, movedLinks, type FigureFolder } from './figures.ts'
import { usage } from './options.ts'
import { fileTrouble } from './input.ts'

/** The folder that what was read goes into. No two commands write into one at a time. */
export interface OutFolder extends AsyncDisposable {
  readonly path: string
  /** Where a gateway of the command's own keeps its data, until everything is read. */
  readonly dataDir: string
  /** Writes a text, whole or not at all, when the pictures that it leads to are there. */
  write(output: string, text: string, figures?: FigureFolder): Promise<void>
  /** Puts what was written elsewhere at this place, too; `moved`: instead. Returns the places of its pictures. */
  take(from: Written, to: Place, moved: boolean): Promise<string[]>
  has(output: string): boolean
  /** There is nothing to go on with: what was kept for that is removed in the end. */
  finish(): void
}

/** A folder that is only looked into, for a command that writes nothing. */
export function lookIntoFolder(folder: string): Pick<OutFolder, 'has' | 'take'> {
  return { has: (output) => existsSync(join(folder, output)), take: async () => [] }
}

/** A text that was written, and the pictures beside it. */
export interface Written {
  readonly output: string
  readonly figures: readonly string[]
}

/** Where a text goes, and where the folder of its pictures. */
export interface Place {
  readonly output: string
  readonly figures: string
}

/** Everything of the command's own in the folder, beside the manifest. */
const STATE = '.ocr'

/** Opens the folder, and makes it. Throws a usage error where it cannot be written, or another command writes there. */
export async function openOutFolder(folder: string, { anew }: { readonly anew: boolean }): Promise<OutFolder> {
  const path = resolve(folder)
  const state = join(path, STATE)
  const lock = await lockFolder(path, state)
  const dataDir = join(state, 'data')
  if (anew) await rm(dataDir, { recursive: true, force: true })
  let isFinished = false
  const place = async (output: string): Promise<string> => {
    const target = join(path, output)
    await mkdir(dirname(target), { recursive: true })
    return target
  }
  const put: Put = async (output, content) => {
    const temporary = join(state, `${randomUUID()}.tmp`)
    try {
      await writeThrough(temporary, content)
      await rename(temporary, await place(output))
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {})
      throw error
    }
  }
  return {
    path,
    dataDir,
    async write(output, text, figures) {
      for (const { name, bytes } of figures?.files ?? []) await put(`${figures?.place}/${name}`, bytes)
      await put(output, text)
      if (figures === undefined) return
      const names = figures.files.map(({ name }) => name)
      await removeOthers(join(path, figures.place), names)
    },
    async take(from, to, moved) {
      if (from.figures.length > 0) return takeWithFigures(path, put, from, to, moved)
      const target = await place(to.output)
      if (moved) await rename(join(path, from.output), target)
      else await copyFile(join(path, from.output), target)
      return []
    },
    has: (output) => existsSync(join(path, output)),
    finish: () => void (isFinished = true),
    async [Symbol.asyncDispose]() {
      if (isFinished) await rm(state, { recursive: true, force: true }).catch(() => {})
      lock.close()
    },
  }
}

/** Writes a file below the folder, whole or not at all. */
type Put = (output: string, content: string | Uint8Array) => Promise<void>

/** The text leads to its pictures by the name of their folder: it is written anew, when they are there. */
async function takeWithFigures(path: string, put: Put, from: Written, to: Place, moved: boolean): Promise<string[]> {
  const folder = dirname(from.figures[0] ?? '')
  const names = from.figures.map((figure) => basename(figure))
  for (const name of names) await put(`${to.figures}/${name}`, await readFile(join(path, folder, name)))
  await put(to.output, movedLinks(await readFile(join(path, from.output), 'utf8'), folder, to.figures))
  await removeOthers(join(path, to.figures), names)
  if (moved) {
    await rm(join(path, from.output))
    await removeOthers(join(path, folder), [])
  }
  return names.map((name) => `${to.figures}/${name}`)
}

/** Removes pictures that belong to no text any more, and their folder when it is empty. */
async function removeOthers(folder: string, kept: readonly string[]): Promise<void> {
  const names = new Set(kept)
  const found = await readdir(folder).catch(() => [])
  const others = found.filter((name) => !names.has(name) && isFigure(`${folder}/${name}`))
  for (const name of others) await rm(join(folder, name), { force: true })
  if (names.size === 0 && found.length > 0) await rmdir(folder).catch(() => {})
}

async function writeThrough(path: string, content: string | Uint8Array): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(content)
    await file.datasync()
  } finally {
    await file.close()
  }
}

async function lockFolder(path: string, state: string): Promise<DatabaseSync> {
  try {
    await mkdir(state, { recursive: true })
    for (;;) {
      const lock = lockFile(join(state, 'lock'))
      if (lock !== null) return lock
    }
  } catch (error) {
    if (isLocked(error)) {
      throw usage(`Another ocr writes into ${path}. Wait for it, or choose another folder with --out.`)
    }
    throw usage(`${path} cannot be written: ${fileTrouble(error)}. Choose another folder with --out.`)
  }
}

/**
 * SQLite's lock ends with its process, however that ends. Returns null where another command has removed the file meanwhile:
 * then the lock is on nothing.
 */
function lockFile(path: string): DatabaseSync | null {
  closeSync(openSync(path, 'a'))
  const before = statSync(path).ino
  const database = new DatabaseSync(path)
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    if (statSync(path, { throwIfNoEntry: false })?.ino === before) return database
  } catch (error) {
    database.close()
    throw error
  }
  database.close()
  return null
}

const SQLITE_BUSY = 5

function isLocked(error: unknown): boolean {
  const { errcode } = Object(error) as { readonly errcode?: unknown }
  return typeof errcode === 'number' && errcode % 256 === SQLITE_BUSY
}

/** Returns the folder of the pictures of a document, beside its text: each form of the text has its own. */
export function figurePlace(place: string, ending: string): string {
  return outputPlace(place, ending === '.md' ? '.figures' : `${ending}.figures`)
}

/** What file systems allow a name to have. */
const MAX_NAME_BYTES = 255

/**
 * Returns where the text of a document goes: its own name with an ending behind it, so that `a.pdf` and `a.png` have two
 * places, whatever else there is. A name that would become too long is cut, and told apart by a hash.
 */
export function outputPlace(place: string, ending: string): string {
  const name = basename(place)
  if (Buffer.byteLength(name) + ending.length <= MAX_NAME_BYTES) return `${place}${ending}`
  const mark = `~${createHash('sha256').update(name).digest('hex').slice(0, 8)}${ending}`
  let cut = ''
  for (const character of name) {
    if (Buffer.byteLength(cut + character) + mark.length > MAX_NAME_BYTES) break
    cut += character
  }
  return join(dirname(place), `${cut}${mark}`)
}

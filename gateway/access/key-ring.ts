import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { readFileSync, statSync } from 'node:fs'
import type { Caller } from './caller.ts'
import { digestOf, readKeys, readKeysInSlices, type KnownKey, type ReadKeys } from './keys-file.ts'

/** The keys of the gateway, those of a file included, which may change. */
export interface KeyRing {
  /** Returns the holder of a key; null: it is none. */
  find(key: string): Caller | null
  /** Returns the holder of a name. */
  named(name: string): Caller | null
  close(): void
}

/** What becomes of a file that has changed. */
export interface KeyRingOptions {
  /** The keys of the settings. */
  readonly fixed: readonly KnownKey[]
  /** Null: there is no file. */
  readonly path: string | null
  readonly onRead: (keys: number) => void
  /** Told once of each broken version; the keys before it stay. */
  readonly onBroken: (problems: readonly string[]) => void
  readonly everyMs?: number
}

/** Links to mounted files are swapped, and files renamed into place: only looking again finds each of it. */
const LOOK_EVERY_MS = 2000
/** Over a hundred thousand keys. */
const MAX_BYTES = 16 * 1024 * 1024

/** Reads a keys file at the start. */
export function readKeysFile(path: string, fixed: readonly KnownKey[]): ReadKeys {
  try {
    refuseTooLarge(statSync(path).size)
    return readKeys(readFileSync(path, 'utf8'), fixed)
  } catch (error) {
    return { keys: null, problems: [unreadable(error)] }
  }
}

/** Creates the ring, and looks at the file again and again. Throws when the file is broken. */
export function createKeyRing({ fixed, path, onRead, onBroken, everyMs = LOOK_EVERY_MS }: KeyRingOptions): KeyRing {
  // Before the keys: of a file that changes between the two, the keys are read again.
  let last = path === null ? '' : versionOf(path)
  const first = path === null ? { keys: [], problems: [] as const } : readKeysFile(path, fixed)
  if (first.keys === null) throw new TypeError(first.problems.join('\n'))
  let held = index([...fixed, ...first.keys])
  let isLooking = false

  function take(version: string, read: ReadKeys): void {
    if (version === last) return
    last = version
    if (read.keys === null) return onBroken(read.problems)
    held = index([...fixed, ...read.keys])
    onRead(read.keys.length)
  }

  async function look(file: string): Promise<void> {
    if (isLooking) return
    isLooking = true
    try {
      const { text, version } = await contentOf(file)
      if (version !== last) take(version, await readKeysInSlices(text, fixed))
    } catch (error) {
      const problem = unreadable(error)
      take(problem, { keys: null, problems: [problem] })
    } finally {
      isLooking = false
    }
  }

  const timer = path === null ? undefined : setInterval(() => void look(path), everyMs).unref()
  return {
    find: (key) => held.byDigest.get(digestOf(key).toString('base64')) ?? null,
    named: (name) => held.byName.get(name) ?? null,
    close: () => clearInterval(timer),
  }
}

/** Keys, found by what is held of them. Nobody makes a key from a part of its digest, so the time of a search tells of none. */
function index(keys: readonly KnownKey[]) {
  return {
    byDigest: new Map(keys.map(({ digest, caller }) => [digest.toString('base64'), caller])),
    byName: new Map(keys.map(({ caller }) => [caller.name, caller])),
  }
}

function versionOf(path: string): string {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex')
  } catch {
    return ''
  }
}

/** In pieces, with others' turns between them. */
async function contentOf(path: string): Promise<{ readonly text: string; readonly version: string }> {
  await using file = await open(path)
  refuseTooLarge((await file.stat()).size)
  const hash = createHash('sha256')
  const pieces: Buffer[] = []
  for await (const piece of file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
    hash.update(piece)
    pieces.push(piece)
  }
  return { text: Buffer.concat(pieces).toString(), version: hash.digest('hex') }
}

function refuseTooLarge(bytes: number): void {
  if (bytes > MAX_BYTES) throw new Error(`it has ${bytes} bytes, of at most ${MAX_BYTES}`)
}

function unreadable(error: unknown): string {
  const { code, message } = Object(error) as { readonly code?: string; readonly message?: string }
  return `cannot be read: ${code ?? message ?? 'unknown'}`
}

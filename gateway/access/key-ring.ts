import { timingSafeEqual } from 'node:crypto'
import { open } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import type { Caller } from './caller.ts'
import { digestOf, readKeys, type KnownKey, type ReadKeys } from './keys-file.ts'

/** The keys of the gateway, those of a file included, which may change. */
export interface KeyRing {
  /** Returns the holder of a key; null: it is none. The time that takes says nothing of any key. */
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
/** Some ten thousand keys. */
const MAX_BYTES = 16 * 1024 * 1024

/** Reads a keys file at the start. */
export function readKeysFile(path: string, fixed: readonly KnownKey[]): ReadKeys {
  try {
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
  let keys = [...fixed, ...first.keys]
  let byName = named(keys)
  let isLooking = false

  function take(version: string, read: ReadKeys): void {
    if (version === last) return
    last = version
    if (read.keys === null) return onBroken(read.problems)
    keys = [...fixed, ...read.keys]
    byName = named(keys)
    onRead(read.keys.length)
  }

  async function look(file: string): Promise<void> {
    if (isLooking) return
    isLooking = true
    try {
      const text = await textOf(file)
      const version = digestOf(text).toString('hex')
      if (version !== last) take(version, readKeys(text, fixed))
    } catch (error) {
      const problem = unreadable(error)
      take(problem, { keys: null, problems: [problem] })
    } finally {
      isLooking = false
    }
  }

  const timer = path === null ? undefined : setInterval(() => void look(path), everyMs).unref()
  return {
    find(key) {
      const digest = digestOf(key)
      let found: Caller | null = null
      for (const known of keys) if (timingSafeEqual(known.digest, digest)) found = known.caller
      return found
    },
    named: (name) => byName.get(name) ?? null,
    close: () => clearInterval(timer),
  }
}

function named(keys: readonly KnownKey[]): ReadonlyMap<string, Caller> {
  return new Map(keys.map(({ caller }) => [caller.name, caller]))
}

function versionOf(path: string): string {
  try {
    return digestOf(readFileSync(path, 'utf8')).toString('hex')
  } catch {
    return ''
  }
}

async function textOf(path: string): Promise<string> {
  await using file = await open(path)
  if ((await file.stat()).size > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes`)
  return file.readFile('utf8')
}

function unreadable(error: unknown): string {
  const { code, message } = Object(error) as { readonly code?: string; readonly message?: string }
  return `cannot be read: ${code ?? message ?? 'unknown'}`
}

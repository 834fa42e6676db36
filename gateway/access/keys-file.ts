import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import type { Caller } from './caller.ts'
import { callerOf, limitFields, problemsOf, unlimited } from './limit-fields.ts'

/** A key as it is held: its holder, and a digest, out of which nobody makes the key again. */
export interface KnownKey {
  readonly caller: Caller
  readonly digest: Buffer
}

/** What a keys file says; or what is wrong with it, one line each. */
export type ReadKeys =
  | { readonly keys: readonly KnownKey[]; readonly problems: readonly [] }
  | { readonly keys: null; readonly problems: readonly string[] }

/** Returns what a key is held and compared as. */
export const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest()

const entry = z
  .strictObject({
    name: z
      .string('must be the name of the key')
      .regex(/^[\w.-]{1,64}$/, 'must be of letters, digits, "_", "." and "-", at most 64'),
    key: z
      .string('must be the key itself')
      .regex(
        /^[\x21-\x7e](?:[\x20-\x7e]{0,998}[\x21-\x7e])?$/,
        'must be printable ASCII: others cannot be sent in a header',
      )
      .optional(),
    sha256: z
      .string('must be the SHA-256 of the key')
      .regex(
        /^[0-9a-fA-F]{64}$/,
        'must be the SHA-256 of the key, as 64 hexadecimal digits: printf %s "$KEY" | sha256sum',
      )
      .optional(),
    ...limitFields,
  })
  .refine(({ key, sha256 }) => (key === undefined) !== (sha256 === undefined), {
    error: 'must have either "key" or "sha256"',
  })

/** Holds the keys of `GATEWAY_API_KEYS`, which may all, but for what is an admin's. */
export function plainKeys(keys: readonly { readonly name: string; readonly key: string }[]): KnownKey[] {
  return keys.map(({ name, key }) => ({ caller: unlimited(name), digest: digestOf(key) }))
}

/** Reads the text of a keys file; `others` are keys that its own must not repeat. No message holds a key. */
export function readKeys(text: string, others: readonly KnownKey[]): ReadKeys {
  const entries = parsed(text)
  if (typeof entries === 'string') return { keys: null, problems: [entries] }
  return keysOf(entries, entries.map(read), others)
}

/** So many take a few milliseconds. */
const SLICE = 500

/** The same beside requests, which go on meanwhile, though there be a hundred thousand keys. */
export async function readKeysInSlices(text: string, others: readonly KnownKey[]): Promise<ReadKeys> {
  const entries = parsed(text)
  if (typeof entries === 'string') return { keys: null, problems: [entries] }
  const entriesRead: ReadEntry[] = []
  while (entriesRead.length < entries.length) {
    const start = entriesRead.length
    entriesRead.push(...entries.slice(start, start + SLICE).map(read))
    await nextTurn()
  }
  return keysOf(entries, entriesRead, others)
}

type ReadEntry = { readonly key: KnownKey } | { readonly problems: readonly string[] }

function read(value: unknown): ReadEntry {
  const { data, error } = entry.safeParse(value)
  return error === undefined ? { key: knownKey(data) } : { problems: problemsOf(error) }
}

/** How many problems are told of: all of a large file would fill the log. */
const MAX_PROBLEMS = 20

function keysOf(entries: readonly unknown[], entriesRead: readonly ReadEntry[], others: readonly KnownKey[]): ReadKeys {
  const problems = entriesRead.flatMap((one, at) =>
    'key' in one ? [] : one.problems.map((problem) => `${labelOf(entries[at], at)}: ${problem}`),
  )
  const keys = entriesRead.flatMap((one) => ('key' in one ? [one.key] : []))
  const all = problems.length > 0 ? problems : repetitions(keys, others)
  if (all.length === 0) return { keys, problems: [] }
  const more = all.length - MAX_PROBLEMS
  return { keys: null, problems: more > 0 ? [...all.slice(0, MAX_PROBLEMS), `and ${more} more`] : all }
}

function knownKey({ name, key, sha256 = '', ...limits }: z.output<typeof entry>): KnownKey {
  return { caller: callerOf(name, limits), digest: key === undefined ? Buffer.from(sha256, 'hex') : digestOf(key) }
}

function parsed(text: string): readonly unknown[] | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own message quotes the text.
    return 'is not valid JSON'
  }
  if (!Array.isArray(value)) return 'must be a JSON list of keys: [{"name": "scans", "key": "…"}]'
  return value.length === 0 ? 'names no key' : value
}

function labelOf(value: unknown, index: number): string {
  const { name } = Object(value) as { readonly name?: unknown }
  return typeof name === 'string' && /^[\w.-]{1,64}$/.test(name) ? `entry ${index + 1} (${name})` : `entry ${index + 1}`
}

function repetitions(keys: readonly KnownKey[], others: readonly KnownKey[]): string[] {
  const names = new Set(others.map(({ caller }) => caller.name))
  const digests = new Set(others.map(({ digest }) => digest.toString('hex')))
  return keys.flatMap(({ caller: { name }, digest }, index) => {
    const at = `entry ${index + 1} (${name})`
    const problems = [
      ...(names.has(name) ? [`${at}: name: another key has it, here or in GATEWAY_API_KEYS`] : []),
      ...(digests.has(digest.toString('hex'))
        ? [`${at}: key: it is that of another name, here or in GATEWAY_API_KEYS`]
        : []),
    ]
    names.add(name)
    digests.add(digest.toString('hex'))
    return problems
  })
}

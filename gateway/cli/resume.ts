import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { fileTrouble, type Input } from './input.ts'
import type { Entry, Manifest } from './manifest.ts'
import type { OutFolder } from './out-folder.ts'
import { DocumentError } from './say.ts'
import type { Content } from './read-document.ts'

/** A document as it is now. */
export interface Identified {
  readonly content: Content
  readonly source: string
  readonly sha256: string | null
  readonly bytes: number | null
  readonly modified: number | null
}

/** Finds out which content a document has, without reading a file that has not changed since it was read. */
export async function identify(input: Input, manifest: Manifest | null): Promise<Identified> {
  const { source } = input
  if (source.kind === 'url') {
    const known = `url:${createHash('sha256').update(source.url).digest('hex')}`
    return { content: source, source: known, sha256: null, bytes: null, modified: null }
  }
  if (source.kind === 'stdin') {
    const bytes = await readStdin()
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return { content: { kind: 'bytes', bytes }, source: 'stdin', sha256, bytes: bytes.length, modified: null }
  }
  try {
    return await identifyFile(source.path, manifest)
  } catch (error) {
    throw new DocumentError('file_unreadable', `cannot be read: ${fileTrouble(error)}`)
  }
}

async function identifyFile(path: string, manifest: Manifest | null): Promise<Identified> {
  const facts = await factsOf(path)
  const { bytes } = facts
  const content = { kind: 'file', path, bytes } as const
  // Without a manifest nobody asks for it.
  if (manifest === null) return { content, source: path, sha256: null, ...facts }
  const sha256 = manifest.unchanged({ source: path, ...facts }) ?? (await hashFile(path))
  return { content, source: path, sha256, ...facts }
}

async function factsOf(path: string) {
  const found = await stat(path)
  if (!found.isFile()) throw new DocumentError('file_unreadable', 'is no regular file')
  return { bytes: found.size, modified: found.mtimeMs }
}

/** Tells whether a file is another one than when it was identified: what was read may be half of each. */
export async function hasChanged({ content, bytes, modified, sha256 }: Identified): Promise<boolean> {
  if (content.kind !== 'file') return false
  const facts = await factsOf(content.path).catch(() => null)
  // One that is gone was whole when it was sent.
  if (facts === null || (facts.bytes === bytes && facts.modified === modified)) return false
  return sha256 === null || (await hashFile(content.path).catch(() => null)) !== sha256
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

async function readStdin(): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of process.stdin) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

/** What is to be done with a document that may have been read before. */
export type Known =
  | { readonly kind: 'read' }
  | { readonly kind: 'known'; readonly entry: Entry }
  /** Written elsewhere, from a file that has moved or is the same. */
  | { readonly kind: 'take'; readonly entry: Entry; readonly moved: boolean }

/** How failures of earlier runs are seen. */
export interface Retrying {
  readonly retryFailed: boolean
  readonly hasPassword: boolean
}

const LOCKED = new Set(['document_encrypted', 'wrong_password'])

/** Looks a document up in the manifest. */
export function lookUp(
  { sha256, source }: Identified,
  { place, output, options }: { readonly place: string; readonly output: string; readonly options: string },
  { manifest, folder }: { readonly manifest: Manifest; readonly folder: Pick<OutFolder, 'has'> },
  { retryFailed, hasPassword }: Retrying,
): Known {
  const entries = manifest.find(sha256 ?? source, options, place)
  const written = entries.filter(
    ({ output: text, figures = [] }) => text !== null && [text, ...figures].every((file) => folder.has(file)),
  )
  const isWanted = ({ status }: Entry): boolean => status === 'done' || !retryFailed
  const here = written.find((entry) => entry.output === output)
  if (here !== undefined && isWanted(here)) return { kind: 'known', entry: here }
  const elsewhere = written.find((entry) => isWanted(entry) && entry.output !== output)
  if (elsewhere !== undefined) return { kind: 'take', entry: elsewhere, moved: hasMoved(elsewhere) }
  const failed = entries.find(({ status, path }) => status === 'failed' && path === place)
  const mayOpenNow = hasPassword && LOCKED.has(failed?.error?.code ?? '')
  if (failed !== undefined && !retryFailed && !mayOpenNow) return { kind: 'known', entry: failed }
  return { kind: 'read' }
}

function hasMoved({ source }: Entry): boolean {
  return !source.startsWith('url:') && source !== 'stdin' && !existsSync(source)
}

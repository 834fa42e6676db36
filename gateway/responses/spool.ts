import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rm, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Source, SourceFacts } from '../document/source.ts'
import { GatewayError } from '../errors.ts'
import type { KeptDocument } from './kept.ts'

/** Keeps the documents of responses on disk, each in a file of its own, in a folder for each response. */
export interface Spool {
  /** Copies documents to disk, one after the other. Throws what opening them throws; then nothing is kept. */
  keep(id: string, sources: readonly Source[], signal: AbortSignal): Promise<KeptDocument[]>
  /** Returns sources that copy their document to disk when they are opened; `kept` is told of each copy that is whole. */
  copying(id: string, sources: readonly Source[], kept: (index: number, document: KeptDocument) => void): Source[]
  /** Returns the source of a document that was kept. */
  source(id: string, index: number, document: KeptDocument): Source
  remove(id: string): Promise<void>
  /** Returns the responses that have documents here, and when each got its last, in milliseconds of Unix time. */
  list(): Promise<{ readonly id: string; readonly changedAt: number }[]>
}

/** Creates a spool in a folder, which is made when it is needed. */
export function createSpool(folder: string): Spool {
  const folderOf = (id: string): string => join(folder, id)
  const remove = (id: string): Promise<void> => rm(folderOf(id), { recursive: true, force: true })
  return {
    async keep(id, sources, signal) {
      try {
        const kept: KeptDocument[] = []
        for (const [index, source] of sources.entries()) {
          kept.push(await write(folderOf(id), index, await source.open(signal), source, syncFile))
        }
        return kept
      } catch (error) {
        await remove(id)
        throw error
      }
    },
    copying: (id, sources, kept) =>
      sources.map((source, index) =>
        copying(source, (bytes) => write(folderOf(id), index, bytes, source), kept, index),
      ),
    source: (id, index, document) => keptSource(join(folderOf(id), String(index)), document),
    remove,
    async list() {
      const names = await readdir(folder).catch(() => [])
      const found = names.map(async (id) => {
        const { mtimeMs } = await stat(folderOf(id)).catch(() => ({ mtimeMs: Date.now() }))
        return { id, changedAt: mtimeMs }
      })
      return Promise.all(found)
    },
  }
}

/** What nobody can send again must be there when the database says so. */
const syncFile = (file: FileHandle): Promise<void> => file.sync()

async function write(
  folder: string,
  index: number,
  bytes: Uint8Array,
  facts: SourceFacts,
  written: (file: FileHandle) => Promise<void> = async () => {},
): Promise<KeptDocument> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await using file = await open(join(folder, String(index)), 'w', 0o600)
  await file.writeFile(bytes)
  await written(file)
  const { param, filename, declaredMediaType } = facts
  return { sha256: digest(bytes), bytes: bytes.byteLength, param, filename, declaredMediaType }
}

function copying(
  source: Source,
  copy: (bytes: Uint8Array) => Promise<KeptDocument>,
  kept: (index: number, document: KeptDocument) => void,
  index: number,
): Source {
  return {
    ...source,
    async open(signal) {
      const bytes = await source.open(signal)
      // What cannot be kept can be read all the same.
      await copy(bytes).then(
        (document) => kept(index, document),
        () => {},
      )
      return bytes
    },
  }
}

function keptSource(path: string, { sha256, param, filename, declaredMediaType }: KeptDocument): Source {
  return {
    param,
    filename,
    declaredMediaType,
    password: null,
    async open(signal) {
      const bytes = await readFile(path, { signal }).catch((error: unknown) => {
        signal.throwIfAborted()
        throw notKept(param, error)
      })
      if (digest(bytes) !== sha256) throw notKept(param, new Error(`${path} has changed`))
      return bytes
    },
  }
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

function notKept(param: string, cause: unknown): GatewayError {
  return new GatewayError('file_not_found', 'The document is not kept here any more. Send it again.', { param, cause })
}

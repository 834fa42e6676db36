import { createHash, type Hash } from 'node:crypto'
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeptBytes, Source } from '../document/source.ts'
import { GatewayError } from '../errors.ts'
import { readBytes } from '../store/read-bytes.ts'
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
          await using opened = new AsyncDisposableStack()
          opened.defer(() => source.onOpened?.())
          const content = await source.open(signal)
          if (!(content instanceof Uint8Array)) opened.use(content)
          kept.push(await copy(folderOf(id), index, content, source, true))
        }
        return kept
      } catch (error) {
        await remove(id)
        throw error
      }
    },
    copying: (id, sources, kept) =>
      sources.map((source, index) => ({
        ...source,
        async open(signal) {
          const content = await source.open(signal)
          // What cannot be kept can be read all the same.
          await copy(folderOf(id), index, content, source, false).then(
            (document) => kept(index, document),
            () => {},
          )
          return content
        },
      })),
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

/** Copies a document to disk; `isSafe`: it is there when that says so, even if the machine ends. */
async function copy(
  folder: string,
  index: number,
  content: Uint8Array | KeptBytes,
  { param, filename, declaredMediaType }: Source,
  isSafe: boolean,
): Promise<KeptDocument> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await using file = await open(join(folder, String(index)), 'w', 0o600)
  const hash = createHash('sha256')
  await file.writeFile(pieces(content, hash))
  if (isSafe) await file.sync()
  const sha256 = content instanceof Uint8Array ? hash.digest('hex') : content.sha256
  return { sha256, bytes: content.length, param, filename, declaredMediaType }
}

/** In bytes. */
const PIECE = 1024 * 1024

/**
 * Yields a document's bytes, those that are held hashed on the way. What is on disk already is never held whole: of such
 * documents any number may be copied at a time.
 */
async function* pieces(content: Uint8Array | KeptBytes, hash: Hash): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < content.length; at += PIECE) {
    if (!(content instanceof Uint8Array)) {
      yield await content.read(PIECE, at)
      continue
    }
    const piece = content.subarray(at, at + PIECE)
    hash.update(piece)
    yield piece
  }
}

/** Its bytes stay on disk while its pages are drawn. */
function keptSource(path: string, { sha256, bytes: length, param, filename, declaredMediaType }: KeptDocument): Source {
  return {
    param,
    filename,
    declaredMediaType,
    password: null,
    async open() {
      const file = await open(path, 'r').catch((error: unknown) => {
        throw notKept(param, error)
      })
      const { size } = await file.stat()
      if (size !== length) {
        await file.close()
        throw notKept(param, new Error(`${path} has ${size} bytes, not ${length}`))
      }
      return {
        length,
        sha256,
        read: (wanted = length, from = 0) =>
          readBytes(file, Math.min(wanted, length - from), from).catch((error: unknown) => {
            throw notKept(param, error)
          }),
        [Symbol.asyncDispose]: () => file.close(),
      }
    },
  }
}

function notKept(param: string, cause: unknown): GatewayError {
  return new GatewayError('file_not_found', 'The document is not kept here any more. Send it again.', { param, cause })
}

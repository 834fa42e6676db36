import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

/** A file that browsers load. */
export interface WebFile {
  readonly type: string
  /** Of its bytes. */
  readonly hash: string
  readonly bytes: Buffer<ArrayBuffer>
  /** Its bytes in this coding; made once, when it is first asked for. Null: the file gains nothing by it. */
  encoded(coding: Coding): Promise<Buffer<ArrayBuffer>> | null
}

/** How the bytes of a file may be sent, the best first. */
export const codings = ['br', 'gzip'] as const

/** One of these ways. */
export type Coding = (typeof codings)[number]

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
  '.pdf': 'application/pdf',
}

/** Returns the file of a name; null where there is none. */
export type FindWebFile = (name: string) => Promise<WebFile | null>

/**
 * Returns what finds files in folders, the first that has it. A file is read when it is first asked for, and again when
 * it has changed: a gateway that nobody looks at holds none of them.
 */
export function createWebFiles(folders: readonly string[]): FindWebFile {
  const known = new Map<string, { readonly version: string; readonly file: Promise<WebFile> }>()
  const find = async (path: string, type: string): Promise<WebFile | null> => {
    const { mtimeMs, size } = (await stat(path).catch(() => null)) ?? { mtimeMs: 0, size: null }
    if (size === null) return null
    const version = `${mtimeMs} ${size}`
    const kept = known.get(path)
    if (kept?.version === version) return kept.file
    const file = readFile(path).then((bytes) => webFile(bytes, type))
    known.set(path, { version, file })
    // A file that is replaced at this moment may be there at the next.
    file.catch(() => known.delete(path))
    return file
  }
  return async (name) => {
    const type = TYPES[extname(name)]
    if (type === undefined || !/^\w[\w.-]*$/.test(name)) return null
    for (const folder of folders) {
      const found = await find(join(folder, name), type)
      if (found !== null) return found
    }
    return null
  }
}

/** Makes a file of bytes. */
export function webFile(bytes: Buffer<ArrayBuffer>, type: string): WebFile {
  const made = new Map<Coding, Promise<Buffer<ArrayBuffer>>>()
  const isText = /^text\/|\/json$|\+xml$/.test(type)
  return {
    type,
    hash: createHash('sha256').update(bytes).digest('hex').slice(0, 16),
    bytes,
    encoded(coding) {
      if (!isText) return null
      const before = made.get(coding)
      if (before !== undefined) return before
      const encoding = encoders[coding](bytes) as Promise<Buffer<ArrayBuffer>>
      made.set(coding, encoding)
      return encoding
    },
  }
}

/** Beyond these, a tenth of a second becomes a second, for a twentieth of the bytes. */
const encoders: Readonly<Record<Coding, (bytes: Buffer) => Promise<Buffer>>> = {
  br: (bytes) => promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } }),
  gzip: (bytes) => promisify(gzip)(bytes, { level: 6 }),
}

import { z } from 'zod'
import { readAll, type BlobStore } from './blob-store.ts'
import type { StoredFile } from './stored-file.ts'

/** A file, and whose it is. */
export interface OwnedFile {
  readonly owner: string
  readonly file: StoredFile
}

/**
 * What is known of files, kept a second time beside their bytes: so a table that was lost, as a Redis that was flushed, can be
 * made again. A file that was deleted has none left.
 */
export interface Facts {
  readonly areKept: boolean
  keep(owned: OwnedFile): Promise<void>
  /** Returns null where nothing is kept, or it cannot be understood, or is of another file: a hand may have been there. */
  find(id: string): Promise<OwnedFile | null>
  /** All names under which something of a file, or of a part of an upload, is kept; in the order in which it is to be removed. */
  namesOf(id: string): readonly string[]
  /** Returns the id of whose facts have a name; null for any other name. */
  idOf(name: string): string | null
}

const SUFFIX = '.json'

const count = z.number().int().nonnegative()
const ownedFile = z.object({
  owner: z.string(),
  file: z.object({
    id: z.string(),
    bytes: count,
    sha256: z.string(),
    filename: z.string(),
    purpose: z.string(),
    mediaType: z.string().nullable(),
    createdAt: count,
    expiresAt: count,
  }),
})

/** Keeps facts under names of their own among the bytes. */
export function createFacts(blobs: BlobStore): Facts {
  return {
    areKept: true,
    async keep(owned) {
      await blobs.write(`${owned.file.id}${SUFFIX}`, [Buffer.from(JSON.stringify(owned))])
    },
    async find(id) {
      const bytes = await readAll(blobs, `${id}${SUFFIX}`)
      const owned = bytes === null ? null : understood(bytes.toString('utf8'))
      return owned?.file.id === id ? owned : null
    },
    namesOf: (id) => [`${id}${SUFFIX}`, id],
    idOf: (name) => (name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : null),
  }
}

/** Keeps none: the table lies beside the bytes, and is lost only with them. */
export const NO_FACTS: Facts = {
  areKept: false,
  keep: async () => {},
  find: async () => null,
  namesOf: (id) => [id],
  idOf: () => null,
}

function understood(text: string): OwnedFile | null {
  try {
    return ownedFile.parse(JSON.parse(text))
  } catch {
    return null
  }
}

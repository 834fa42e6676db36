import { createHash, webcrypto } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { DocumentFacts, SharedDocument } from './messages.ts'

/** The facts of documents that were opened, so that one that comes again is not opened to count its pages. */
export interface KnownDocuments {
  /** Returns what is known of a document that the same owner has had opened; null: it must be opened. */
  find(owner: string, document: SharedDocument): Promise<DocumentFacts | null>
  note(owner: string, document: SharedDocument, facts: DocumentFacts): void
}

/** Some ten thousand documents; as many labels as a PDF may have take a quarter of it. */
const MAX_CHARACTERS = 16 * 1024 * 1024
/** What an entry takes beside its labels, and the numbers of its pages. */
const ENTRY_CHARACTERS = 512
const LABEL_CHARACTERS = 16
/** Hashing so many bytes takes less than handing them to another thread. */
const MAX_BYTES_HASHED_HERE = 512 * 1024

/**
 * Creates an empty memory. It tells nobody what another owner has had opened, not even by the time that an answer takes. A
 * document with a password is opened each time, and so is a portfolio, whose files are taken out of it.
 */
export function createKnownDocuments(): KnownDocuments {
  // Only a document that may be known is hashed: the size says of most that they are not.
  const lengths = new Map<string, number>()
  const count = (size: string, by: 1 | -1): void => {
    const left = (lengths.get(size) ?? 0) + by
    if (left > 0) lengths.set(size, left)
    else lengths.delete(size)
  }
  const known = new LRUCache<string, { readonly facts: DocumentFacts; readonly size: string }>({
    maxSize: MAX_CHARACTERS,
    sizeCalculation: ({ facts: { labels, pageObjects } }) =>
      ENTRY_CHARACTERS + LABEL_CHARACTERS * (labels?.length ?? 0) + (pageObjects?.byteLength ?? 0),
    onInsert: ({ size }) => count(size, 1),
    dispose: ({ size }) => count(size, -1),
  })
  return {
    async find(owner, document) {
      const size = sizeOf(owner, document)
      if (document.password !== null || !lengths.has(size)) return null
      return known.get(`${size} ${await sha256Of(document.bytes)}`)?.facts ?? null
    },
    note(owner, document, facts) {
      if (document.password !== null || (facts.files ?? null) !== null) return
      const size = sizeOf(owner, document)
      known.set(`${size} ${facts.sha256}`, { facts, size })
    },
  }
}

const sizeOf = (owner: string, { mediaType, bytes }: SharedDocument): string =>
  `${JSON.stringify(owner)} ${mediaType} ${bytes.length}`

/** Returns the hash of a document's bytes, in hexadecimal. */
export async function sha256Of(bytes: SharedDocument['bytes']): Promise<string> {
  if (!(bytes instanceof Uint8Array)) return bytes.sha256
  if (bytes.length <= MAX_BYTES_HASHED_HERE) return createHash('sha256').update(bytes).digest('hex')
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString('hex')
}

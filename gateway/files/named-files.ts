import type { Source, SourceFacts } from '../document/source.ts'
import { GatewayError } from '../errors.ts'
import type { FileStore } from './file-store.ts'
import type { SignedAddresses } from './signed-addresses.ts'
import type { StoredFile } from './stored-file.ts'

/** The stored files that a request names. */
export interface NamedFiles {
  /** Throws `file_not_found` and `document_too_large`. */
  stored(owner: string, id: string, facts: SourceFacts): Promise<Source>
  /** Returns null for an address that is none of this gateway. Throws `url_not_allowed` for one whose time is over. */
  signed(address: string, facts: SourceFacts): Promise<Source | null>
}

/** Finds stored files; they are read from the disk wherever they are needed. */
export function createNamedFiles(files: FileStore, addresses: SignedAddresses, maxDocumentBytes: number): NamedFiles {
  const sourceOf = (file: StoredFile, facts: SourceFacts): Source => {
    const { param } = facts
    if (file.bytes > maxDocumentBytes) throw tooLarge(file, param, maxDocumentBytes)
    return {
      ...facts,
      filename: facts.filename ?? file.filename,
      declaredMediaType: facts.declaredMediaType ?? file.mediaType,
      open: async () => ({ ...(await files.open(file, param)).blob, sha256: file.sha256 }),
    }
  }
  return {
    stored: async (owner, id, facts) => sourceOf(await files.find(owner, id, facts.param), facts),
    async signed(address, facts) {
      const found = await addresses.read(address)
      if (found === null) return null
      if (found.hasExpired) throw hasExpired(facts.param)
      return sourceOf(await files.findAny(found.id, facts.param), facts)
    },
  }
}

function tooLarge({ id, bytes }: StoredFile, param: string, maxDocumentBytes: number): GatewayError {
  return new GatewayError(
    'document_too_large',
    `The file ${id} has ${bytes} bytes, and a document may have ${maxDocumentBytes}. Split it, or raise GATEWAY_MAX_DOCUMENT_BYTES.`,
    { param },
  )
}

function hasExpired(param: string): GatewayError {
  return new GatewayError(
    'url_not_allowed',
    'The signed address of the file has expired. Ask for another one, with GET /v1/files/{id}/url.',
    { param },
  )
}

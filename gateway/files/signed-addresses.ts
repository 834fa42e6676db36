import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { readAll, type BlobStore } from './blob-store.ts'
import { nowInSeconds } from './clock.ts'
import type { FileTable } from './file-table.ts'

/** What an address that somebody shows is: that of a file, of one whose time is over, or none of this gateway. */
export type SignedFile = { readonly id: string; readonly hasExpired: boolean } | null

/** Addresses with which a file can be read without a key, for a while. */
export interface SignedAddresses {
  /** Returns the path and the query of one. */
  sign(fileId: string, expiresAt: number): Promise<string>
  /** Reads an address by its path and signature alone: proxies change the rest. */
  read(address: string): Promise<SignedFile>
}

/** Where a second copy of the secret is kept. */
type SecretCopies = Pick<BlobStore, 'open' | 'write'>

/** The name of its secret. */
export const NAME = 'signed addresses'
/** The name of its copy. */
export const COPY = 'signing-secret'
const SECRET_BYTES = 32
const PATH = /\/files\/(file-[0-9a-z]+)\/content$/
/** SHA-256 in base64url. What looks otherwise is not worth a look into the database. */
const SIGNATURE = /^[\w-]{43}$/

/**
 * Creates the signer. Its secret lies beside the files: all gateways that share them share it, and it survives a restart; a
 * copy of it among the bytes survives the loss of the table, where that may be lost alone. `earlier` is what signed before there
 * was a secret there.
 */
export function createSignedAddresses(
  table: Pick<FileTable, 'secret'>,
  copies: SecretCopies | null,
  earlier: () => Uint8Array | null = () => null,
): SignedAddresses {
  let secret: Uint8Array | null = null
  const signature = async (id: string, expires: string): Promise<string> => {
    secret ??= await readSecret(table, copies, earlier)
    return createHmac('sha256', secret).update(`${id} ${expires}`).digest('base64url')
  }
  return {
    async sign(fileId, expiresAt) {
      const expires = String(expiresAt)
      return `/v1/files/${fileId}/content?expires=${expires}&signature=${await signature(fileId, expires)}`
    },
    async read(address) {
      if (!URL.canParse(address)) return null
      const { pathname, searchParams } = new URL(address)
      const id = PATH.exec(pathname)?.[1]
      const expires = searchParams.get('expires')
      const given = searchParams.get('signature')
      if (id === undefined || expires === null || given === null) return null
      if (!/^\d{1,12}$/.test(expires) || !SIGNATURE.test(given)) return null
      if (!timingSafeEqual(Buffer.from(given), Buffer.from(await signature(id, expires)))) return null
      return { id, hasExpired: Number(expires) <= nowInSeconds() }
    },
  }
}

/** Finds the secret, or makes it; two gateways that do so at once have the same one. */
export async function readSecret(
  table: Pick<FileTable, 'secret'>,
  copies: SecretCopies | null,
  earlier: () => Uint8Array | null,
): Promise<Uint8Array> {
  const copy = copies === null ? null : await readAll(copies, COPY)
  const secret = await table.secret(NAME, async () => copy ?? earlier() ?? randomBytes(SECRET_BYTES))
  if (copies !== null && copy === null) await copies.write(COPY, [secret])
  return secret
}

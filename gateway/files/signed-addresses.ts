import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Database } from '../store/database.ts'
import { atOnce, nowInSeconds, openTables } from './schema.ts'

/** What an address that somebody shows is: that of a file, of one whose time is over, or none of this gateway. */
export type SignedFile = { readonly id: string; readonly hasExpired: boolean } | null

/** Addresses with which a file can be read without a key, for a while. */
export interface SignedAddresses {
  /** Returns the path and the query of one. */
  sign(fileId: string, expiresAt: number): string
  /** Reads an address by its path and signature alone: proxies change the rest. */
  read(address: string): SignedFile
}

const NAME = 'signed addresses'
const SECRET_BYTES = 32
const PATH = /\/files\/(file-[0-9a-z]+)\/content$/
/** SHA-256 in base64url. What looks otherwise is not worth a look into the database. */
const SIGNATURE = /^[\w-]{43}$/

/** Creates the signer. Its secret lies beside the files: all gateways that share them share it, and it survives a restart. */
export function createSignedAddresses(database: Database): SignedAddresses {
  let secret: Uint8Array | null = null
  const signature = (id: string, expires: string): string => {
    secret ??= readSecret(database)
    return createHmac('sha256', secret).update(`${id} ${expires}`).digest('base64url')
  }
  return {
    sign(fileId, expiresAt) {
      const expires = String(expiresAt)
      return `/v1/files/${fileId}/content?expires=${expires}&signature=${signature(fileId, expires)}`
    },
    read(address) {
      if (!URL.canParse(address)) return null
      const { pathname, searchParams } = new URL(address)
      const id = PATH.exec(pathname)?.[1]
      const expires = searchParams.get('expires')
      const given = searchParams.get('signature')
      if (id === undefined || expires === null || given === null) return null
      if (!/^\d{1,12}$/.test(expires) || !SIGNATURE.test(given)) return null
      if (!timingSafeEqual(Buffer.from(given), Buffer.from(signature(id, expires)))) return null
      return { id, hasExpired: Number(expires) <= nowInSeconds() }
    },
  }
}

function readSecret(database: Database): Uint8Array {
  const tables = openTables(database)
  const find = () => tables.prepare('SELECT value FROM secrets WHERE name = ?').get(NAME)?.['value']
  // A disk that is full can still be read.
  let value = find()
  if (value === undefined) {
    atOnce(tables, () =>
      tables.prepare('INSERT OR IGNORE INTO secrets VALUES (?, ?)').run(NAME, randomBytes(SECRET_BYTES)),
    )
    value = find()
  }
  return value as Uint8Array
}

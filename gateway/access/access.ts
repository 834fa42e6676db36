import { GatewayError } from '../errors.ts'
import type { Turn } from '../schedule/turn.ts'
import type { Caller } from './caller.ts'
import type { KeyRing } from './key-ring.ts'
import { unlimited } from './limit-fields.ts'
import type { TokenCallers } from './token-callers.ts'
import { TOKEN_PREFIX, type Tokens } from './tokens.ts'

/** Who may ask. */
export interface Access {
  /** Nobody is asked for a key. */
  readonly isOpen: boolean
  /** Returns who sends a key or a token. Throws `invalid_api_key`, and `storage_unavailable` where that cannot be known now. */
  identify(credential: string): Promise<Caller>
  /**
   * Returns the caller whose work something is, as it may now; of a gateway without keys, who may all. Throws `forbidden` for
   * one that is not known any more: its work can be done when it is again.
   */
  owner(name: string): Promise<Caller>
  /** The same, of those alone that this process has met; null: it has not. */
  known(name: string): Caller | null
}

/** What knows keys and tokens. */
export interface AccessParts {
  /** Null: there are no keys. */
  readonly ring: KeyRing | null
  /** Null: no tokens are taken. */
  readonly tokens: Tokens | null
  readonly tokenCallers: TokenCallers
}

/** Three parts of base64url with a dot between them; the last is empty where nobody has signed. */
const LOOKS_LIKE_TOKEN = /^[\w-]+\.[\w-]+\.[\w-]*$/

const isToken = (name: string): boolean => name.startsWith(TOKEN_PREFIX)

/** Creates it. */
export function createAccess({ ring, tokens, tokenCallers }: AccessParts): Access {
  const isOpen = ring === null && tokens === null

  async function find(name: string): Promise<Caller | null> {
    if (!isToken(name)) return ring?.named(name) ?? null
    return tokens === null ? null : tokenCallers.find(name)
  }

  return {
    isOpen,
    async identify(credential) {
      const holder = ring?.find(credential) ?? null
      if (holder !== null) return holder
      if (tokens === null || !LOOKS_LIKE_TOKEN.test(credential)) throw unknownKey(tokens !== null)
      const caller = await tokens.read(credential)
      await tokenCallers.keep(caller)
      return caller
    },
    async owner(name) {
      // Without keys, and before there were any, all was everybody's.
      if (isOpen || name === '') return unlimited(name)
      const caller = await find(name)
      if (caller === null) throw away(name)
      return caller
    },
    known(name) {
      if (isOpen || name === '') return null
      return isToken(name) ? tokenCallers.known(name) : (ring?.named(name) ?? null)
    },
  }
}

/** Throws `forbidden` where a caller may not ask in a lane; null: everybody may. */
export function refuseLane(caller: Caller | null, lane: Turn['lane']): void {
  if (caller?.lanes == null || caller.lanes.includes(lane)) return
  throw new GatewayError(
    'forbidden',
    lane === 'batch'
      ? `${caller.name} may not ask in the lane of batches: it may make no batch, and no request with "service_tier": "flex".`
      : `${caller.name} may ask in the lane of batches alone: with a batch, or with "service_tier": "flex".`,
  )
}

function unknownKey(areTokensTaken: boolean): GatewayError {
  return new GatewayError(
    'invalid_api_key',
    `The API key is not one of this gateway${areTokensTaken ? ', and no token (JWT)' : ''}. Check it, or ask for a new one.`,
  )
}

function away(name: string): GatewayError {
  return new GatewayError(
    'forbidden',
    `${name} is not a caller of this gateway any more. Its work waits until there is a key of this name again.`,
    { retry: true, retryAfterSeconds: 10 },
  )
}

import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions } from 'jose'
import { GatewayError } from '../errors.ts'
import type { Caller } from './caller.ts'
import { callerOf, readLimits } from './limit-fields.ts'
import { createPublishedKeys, KeysUnavailable, type PublishedKeysOptions } from './published-keys.ts'

/** Reads bearer tokens (JWT). */
export interface Tokens {
  /** Returns whom a token names. Throws `invalid_api_key` with what is wrong, and `storage_unavailable` where that cannot be known now. */
  read(token: string): Promise<Caller>
}

/** Who makes the tokens, and for whom. */
export interface TokensOptions extends Pick<PublishedKeysOptions, 'onFailure'> {
  /** Where the issuer publishes its keys, or the secret that signs. */
  readonly keys: URL | string
  readonly issuer: string | null
  readonly audience: string | null
  /** Unix time in milliseconds. */
  readonly now?: () => number
}

/** A published key must not be taken for a secret, so the two never stand in one list. */
const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const SYMMETRIC = ['HS256', 'HS384', 'HS512']

/** As large as all headers of a request may be; longer ones are not looked at. */
const MAX_CHARACTERS = 16_000
/** By how much clocks may differ, in seconds. */
const LEEWAY = 60

/** Names of keys hold no colon, so no token names the holder of a key. */
export const TOKEN_PREFIX = 'jwt:'

/** Creates it. Nothing is fetched before the first token. */
export function createTokens({ keys, issuer, audience, onFailure, now = Date.now }: TokensOptions): Tokens {
  const key = typeof keys === 'string' ? new TextEncoder().encode(keys) : createPublishedKeys({ url: keys, onFailure })
  const options = (): JWTVerifyOptions => ({
    algorithms: typeof keys === 'string' ? SYMMETRIC : ASYMMETRIC,
    ...(issuer === null ? {} : { issuer }),
    ...(audience === null ? {} : { audience }),
    requiredClaims: ['exp', 'sub'],
    clockTolerance: LEEWAY,
    currentDate: new Date(now()),
  })
  return {
    async read(token) {
      if (token.length > MAX_CHARACTERS) throw refused(`has more than ${MAX_CHARACTERS} characters`)
      try {
        return callerIn(await payloadOf(token, key, options()))
      } catch (error) {
        throw error instanceof GatewayError ? error : problemOf(error)
      }
    },
  }
}

async function payloadOf(
  token: string,
  key: Uint8Array | JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  if (typeof key !== 'function') return (await jwtVerify(token, key, options)).payload
  try {
    return (await jwtVerify(token, key, options)).payload
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    // A token that does not say which key has signed it.
    for await (const candidate of error) {
      const read = await jwtVerify(token, candidate, options).catch((thrown: unknown) => {
        if (thrown instanceof errors.JWSSignatureVerificationFailed) return null
        throw thrown
      })
      if (read !== null) return read.payload
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

function callerIn({ sub, ocr = {} }: JWTPayload): Caller {
  // What goes into logs and names of keys in Redis.
  if (typeof sub !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(sub))
    throw refused('must name its subject (sub) in 1 to 128 printable ASCII characters without blanks')
  const limits = readLimits(ocr)
  if (typeof limits === 'string') throw refused(`holds a claim "ocr" that is broken: ${limits}`)
  return callerOf(`${TOKEN_PREFIX}${encodeURIComponent(sub)}`, limits)
}

function problemOf(error: unknown): GatewayError {
  if (error instanceof KeysUnavailable) return unavailable(error)
  if (error instanceof errors.JWTExpired)
    return refused('has expired (exp), or the clock of the gateway is wrong', error)
  if (error instanceof errors.JWTClaimValidationFailed) return refused(claimProblem(error), error)
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported)
    return refused('is signed in a way (alg) that this gateway does not take', error)
  if (error instanceof errors.JWKSNoMatchingKey)
    return refused('is signed with a key that its issuer does not publish', error)
  if (error instanceof errors.JWSSignatureVerificationFailed) return refused('has a signature that is not right', error)
  if (error instanceof errors.JOSEError || error instanceof TypeError) return refused('is no signed JWT', error)
  return new GatewayError('internal_error', 'The gateway failed to check the token. Its log says why.', {
    cause: error,
  })
}

function claimProblem({ claim, reason }: errors.JWTClaimValidationFailed): string {
  if (reason === 'missing') return `lacks the claim "${claim}"`
  if (claim === 'nbf') return 'is not valid yet (nbf), or the clock of the gateway is wrong'
  if (claim === 'aud') return 'is meant for another audience (aud)'
  if (claim === 'iss') return 'is of another issuer (iss)'
  return `has a claim "${claim}" that is not right`
}

function refused(problem: string, cause?: unknown): GatewayError {
  return new GatewayError('invalid_api_key', `The token ${problem}. Get another one from its issuer.`, { cause })
}

function unavailable(cause: unknown): GatewayError {
  return new GatewayError(
    'storage_unavailable',
    'The keys with which tokens are checked cannot be fetched from their issuer now. The token may be right: send the request again.',
    { cause },
  )
}

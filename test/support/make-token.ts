import { exportJWK, generateKeyPair, SignJWT, type JWK, type JWTPayload } from 'jose'

/** Who signs tokens: a key, and what is published of it. */
export interface TokenSigner {
  readonly kid: string
  readonly published: JWK
  sign(claims: JWTPayload): Promise<string>
}

/** Makes a signer with a key of its own. */
export async function makeSigner(kid: string, alg = 'ES256'): Promise<TokenSigner> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return {
    kid,
    published: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
    sign: (claims) => new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(privateKey),
  }
}

/** Signs with a secret. */
export function signWith(secret: string | Uint8Array, claims: JWTPayload, alg = 'HS256'): Promise<string> {
  const key = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(key)
}

/** A token as it would be without a signature. */
export function unsigned(claims: JWTPayload, header: object = { alg: 'none' }): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(claims)}.`
}

import { createHash, timingSafeEqual } from 'node:crypto'
import { createMiddleware } from 'hono/factory'
import { GatewayError } from '../../errors.ts'
import type { GatewayEnv } from '../context.ts'

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * Lets a request pass if its bearer token is one of the keys. Compares digests of one length, with every key and in
 * constant time, so that the time reveals nothing about a key. Without keys every request passes.
 */
export function authenticate(keys: readonly { readonly name: string; readonly key: string }[]) {
  const known = keys.map(({ name, key }) => ({ name, digest: digest(key) }))
  return createMiddleware<GatewayEnv>(async function authenticate(c, next) {
    if (known.length > 0) {
      const token = /^bearer +(.+)$/i.exec(c.req.header('authorization') ?? '')?.[1]?.trim()
      c.get('record').key = nameOf(token, known)
    }
    await next()
  })
}

function nameOf(token: string | undefined, known: readonly { name: string; digest: Buffer }[]): string {
  if (token === undefined) {
    throw new GatewayError('invalid_api_key', 'An API key is needed. Send it as "Authorization: Bearer KEY".')
  }
  const theirs = digest(token)
  let found: string | null = null
  for (const entry of known) if (timingSafeEqual(entry.digest, theirs)) found = entry.name
  if (found === null) {
    throw new GatewayError('invalid_api_key', 'The API key is not one of this gateway. Check it, or ask for a new one.')
  }
  return found
}

import { createMiddleware } from 'hono/factory'
import type { Access } from '../../access/access.ts'
import type { Caller } from '../../access/caller.ts'
import { GatewayError } from '../../errors.ts'
import type { GatewayContext, GatewayEnv } from '../context.ts'

/** Lets a request pass if it brings a key, or a token, of this gateway; and any, where nobody is asked for one. */
export function authenticate(access: Access) {
  return createMiddleware<GatewayEnv>(async function authenticate(c, next) {
    await identify(c, access)
    await next()
  })
}

/** Finds out who asks, and notes it; null: nobody is asked who it is. Throws `invalid_api_key`. */
export async function identify(c: GatewayContext, access: Access): Promise<Caller | null> {
  c.set('caller', null)
  if (access.isOpen) return null
  const caller = await access.identify(credentialOf(c))
  c.set('caller', caller)
  c.get('record').key = caller.name
  return caller
}

/** Returns a bearer token; undefined: there is none. */
export function bearerOf(c: GatewayContext): string | undefined {
  return /^bearer +(.+)$/i.exec(c.req.header('authorization') ?? '')?.[1]?.trim()
}

/** Azure's clients send `api-key`, Anthropic's and some proxies `x-api-key`. */
function credentialOf(c: GatewayContext): string {
  const sent = [bearerOf(c), c.req.header('api-key')?.trim(), c.req.header('x-api-key')?.trim()]
  const [credential, another] = new Set(sent.filter((text) => text !== undefined && text !== ''))
  if (credential === undefined) {
    throw new GatewayError('invalid_api_key', 'An API key is needed. Send it as "Authorization: Bearer KEY".')
  }
  if (another !== undefined) {
    throw new GatewayError(
      'invalid_api_key',
      'The request has two different API keys, in two of its headers Authorization, api-key and x-api-key. Send one.',
    )
  }
  return credential
}

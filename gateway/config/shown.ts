import type { Config } from './load.ts'

/** Names of settings that hold secrets. */
const SECRET = /_(KEYS?|SALT|SECRET|TOKEN|PASSWORD)$/

/** Returns the settings as an operator may see them in a log: of secrets only whether they are set, of addresses no password. */
export function shownSettings(config: Config): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(config).map(([name, value]) => [name, shown(name, value)]))
}

function shown(name: string, value: unknown): unknown {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value
  if (SECRET.test(name)) return Array.isArray(value) ? value.map(nameOf) : '***'
  if (value instanceof URL) return withoutPassword(value.href)
  if (value instanceof Map) return Object.fromEntries(value)
  if (Array.isArray(value)) return value.map((item: unknown) => shown(name, item))
  return typeof value === 'string' ? withoutPassword(value) : value
}

/** Keys have names, which logs have anyway. */
function nameOf(secret: unknown): string {
  const { name } = Object(secret) as { readonly name?: unknown }
  return typeof name === 'string' ? `${name}:***` : '***'
}

function withoutPassword(text: string): string {
  const url = URL.parse(text)
  if (url === null || (url.username === '' && url.password === '' && url.search === '')) return text
  url.username &&= '***'
  url.password &&= '***'
  url.search &&= '***'
  return url.href
}

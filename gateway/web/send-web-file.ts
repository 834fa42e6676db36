import type { GatewayContext } from '../http/context.ts'
import { codings, type Coding, type WebFile } from './web-files.ts'

/** How a file is sent, beside its bytes. */
export interface WebAnswer {
  readonly status?: 200 | 503
  readonly cacheControl: string
  readonly headers?: Readonly<Record<string, string>>
}

/** What every file for browsers says: it is what it says it is, and no other site's. */
const HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  vary: 'accept-encoding',
}

/** Sends a file in the best coding that the browser takes; nothing of it, where the browser has it. */
export async function sendWebFile(
  c: GatewayContext,
  file: WebFile,
  { status = 200, cacheControl, headers }: WebAnswer,
): Promise<Response> {
  const etag = `W/"${file.hash}"`
  const head = { ...HEADERS, ...headers, etag, 'cache-control': cacheControl, 'content-type': file.type }
  if (status === 200 && isKnown(c, file.hash)) return c.body(null, 304, head)
  const coding = codings.find((coding) => accepts(c, coding)) ?? null
  const encoded = coding === null ? null : file.encoded(coding)
  const bytes = encoded === null ? file.bytes : await encoded
  return c.body(bytes, status, {
    ...head,
    'content-length': String(bytes.length),
    ...(encoded === null ? {} : { 'content-encoding': coding ?? '' }),
  })
}

function isKnown(c: GatewayContext, hash: string): boolean {
  const tags = (c.req.header('if-none-match') ?? '').split(',').map((tag) => tag.trim())
  return tags.includes('*') || tags.some((tag) => tag.replace(/^W\//, '') === `"${hash}"`)
}

function accepts(c: GatewayContext, coding: Coding): boolean {
  const taken = (c.req.header('accept-encoding') ?? '').split(',').map((part) => part.trim().toLowerCase())
  return taken.some((part) => part.split(';')[0]?.trim() === coding && !/;\s*q=0(\.0*)?$/.test(part))
}

import { join } from 'node:path'
import type { GatewayContext } from '../http/context.ts'
import { CONTENT_SECURITY_POLICY, htmlPage, missingPage } from './html-page.ts'
import { sendWebFile, type WebAnswer } from './send-web-file.ts'
import { createWebFiles, webFile, type FindWebFile, type WebFile } from './web-files.ts'

/** A page, and the entry of gateway/web/app that fills it. */
export interface WebPage {
  /** The name of its bundle: `playground`. */
  readonly entry: string
  readonly title: string
  readonly description: string
  /** Whether its script writes styles into the page. */
  readonly writesStyles?: true
  /** Whether the gateway has Office documents converted: the page offers them. */
  readonly readsOffice?: boolean
}

/** What people look at in a browser: pages, and what they load. None of it needs a key, for none of it holds data. */
export interface WebPages {
  /** Answers with a page. */
  page(page: WebPage): (c: GatewayContext) => Promise<Response>
  /** `GET /assets/{name}` */
  asset(): (c: GatewayContext) => Promise<Response>
  /** `GET /sample.pdf`: a document for those who have none. */
  sample(): (c: GatewayContext) => Promise<Response>
  /** Answers with a text that is written when it is first asked for. */
  text(type: string, write: () => string): (c: GatewayContext) => Promise<Response>
}

const built = join(import.meta.dirname, 'built')
const unbuilt = join(import.meta.dirname, 'static')

/** Creates the pages. `npm run web` makes the first folder; what nobody has to build is in the second. */
export function createWebPages(folders: readonly string[] = [built, unbuilt]): WebPages {
  const find = createWebFiles(folders)
  return {
    page: (page) => (c) => sendPage(c, page, find),
    asset: () => (c) => sendAsset(c, find),
    sample: () => async (c) => {
      const file = await find('sample.pdf')
      return file === null ? c.notFound() : sendWebFile(c, file, { cacheControl: REVALIDATED })
    },
    text(type, write) {
      let written: WebFile | null = null
      return (c) => sendWebFile(c, (written ??= webFile(Buffer.from(write()), type)), { cacheControl: REVALIDATED })
    },
  }
}

/** Kept by browsers, and asked for again whenever it is wanted. */
const REVALIDATED = 'no-cache'
/** Under this name, and this version, there will never be anything else. */
const FOR_EVER = 'public, max-age=31536000, immutable'

const PAGE: WebAnswer = {
  cacheControl: REVALIDATED,
  headers: {
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  },
}

const WITH_STYLES = CONTENT_SECURITY_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")

async function sendPage(c: GatewayContext, page: WebPage, find: FindWebFile) {
  const { entry, title, description, writesStyles = false, readsOffice = false } = page
  const up = toRoot(c)
  const versioned = async (name: string): Promise<string[]> => {
    const file = await find(name)
    return file === null ? [] : [`${up}assets/${name}?v=${file.hash}`]
  }
  const scripts = await versioned(`${entry}.js`)
  if (scripts.length === 0) return sendWebFile(c, html(missingPage(title)), { ...PAGE, status: 503 })
  const [icon = ''] = await versioned('favicon.svg')
  const styles = await versioned(`${entry}.css`)
  const headers = writesStyles ? { ...PAGE.headers, 'content-security-policy': WITH_STYLES } : PAGE.headers
  return sendWebFile(c, html(htmlPage({ title, description, icon, scripts, styles, readsOffice })), {
    ...PAGE,
    ...(headers && { headers }),
  })
}

function html(text: string) {
  return webFile(Buffer.from(text), 'text/html; charset=utf-8')
}

/** Returns the way from a page's address to the root. It may have a slash at its end, or one too many. */
function toRoot(c: GatewayContext): string {
  const slashes = new URL(c.req.url).pathname.split('/').length - 1
  return '../'.repeat(slashes - 1)
}

async function sendAsset(c: GatewayContext, find: FindWebFile): Promise<Response> {
  const name = c.req.param('name') ?? ''
  const file = await find(name)
  if (file === null) return c.notFound()
  const isFixed = HASHED.test(name) || c.req.query('v') === file.hash
  return sendWebFile(c, file, { cacheControl: isFixed ? FOR_EVER : REVALIDATED })
}

/** As esbuild names what has a hash: `chunk-4PY5LQK3.js`. */
const HASHED = /-[A-Z0-9]{8}\.\w+$/

import { parse, parseFragment, serialize, type DefaultTreeAdapterTypes as Tree } from 'parse5'
import type { MailHead } from './head.ts'

/** A picture that a mail brings along. */
export interface BroughtPicture {
  readonly mediaType: string
  readonly bytes: Buffer
}

/** What is shown of a mail. */
export interface ShownMail {
  readonly head: MailHead
  /** Its texts, in order. */
  readonly bodies: readonly { readonly type: string; readonly text: string }[]
  /** Of what is attached. */
  readonly names: readonly string[]
  /** Returns the picture that an address `cid:…` means; null where there is none. */
  readonly picture: (id: string) => BroughtPicture | null
}

const FIELDS = ['From', 'To', 'Cc', 'Date', 'Subject'] as const
const MAX_FIELD_LENGTH = 2000

/** Writes a mail as one HTML page: its head as a table, then its texts. Nothing in the page leads out of it. */
export function mailAsHtml({ head, bodies, names, picture }: ShownMail): string {
  const fields = FIELDS.flatMap((name) => {
    const text = head.text(name.toLowerCase()) ?? ''
    return text === '' ? [] : [[name, text] as const]
  })
  const all = names.length === 0 ? fields : [...fields, ['Attachments', names.join(', ')] as const]
  const rows = all.map(
    ([name, text]) => `<tr><td><b>${name}</b></td><td>${escaped(text.slice(0, MAX_FIELD_LENGTH))}</td></tr>`,
  )
  const table = `<table>${rows.join('')}</table><hr>`
  const texts = bodies.map(({ type, text }) => (type === 'text/html' ? cleaned(text, picture) : paragraphs(text)))
  return `<!doctype html><html><head><meta charset="utf-8"></head><body>${table}${texts.join('<hr>')}</body></html>`
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** Lines stay lines, and blanks at their beginning stay. */
function paragraphs(text: string): string {
  const lines = text.split(/\r?\n/).map((line) => {
    const indent = line.length - line.trimStart().length
    return '&nbsp;'.repeat(Math.min(indent, 80)) + escaped(line.trimStart())
  })
  return `<p>${lines.join('<br>\n')}</p>`
}

/** What runs, frames other pages, or is fetched. */
const DROPPED = new Set(['script', 'iframe', 'frame', 'object', 'embed', 'link', 'base', 'meta', 'noscript'])
const ADDRESSES = new Set(['src', 'srcset', 'background', 'poster', 'data'])

/** Returns what is in the body of an HTML page, without what leads out of it, and with the pictures that came along. */
function cleaned(html: string, picture: ShownMail['picture']): string {
  const body = bodyOf(parse(html))
  const waiting: Tree.Node[] = [...body.childNodes]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if ('attrs' in node) node.attrs = node.attrs.flatMap((attribute) => keptAttribute(attribute, picture))
    if (!('childNodes' in node)) continue
    node.childNodes = node.childNodes.filter((child) => !DROPPED.has(child.nodeName))
    waiting.push(...node.childNodes)
  }
  body.childNodes = body.childNodes.filter((child) => !DROPPED.has(child.nodeName))
  return serialize(body)
}

function bodyOf(document: Tree.Document): Tree.ParentNode {
  const root = document.childNodes.find((node) => node.nodeName === 'html') as Tree.Element | undefined
  const body = root?.childNodes.find((node) => node.nodeName === 'body') as Tree.Element | undefined
  return body ?? parseFragment('')
}

function keptAttribute(attribute: Tree.Element['attrs'][number], picture: ShownMail['picture']) {
  const { name, value } = attribute
  if (name.startsWith('on')) return []
  if (!ADDRESSES.has(name)) return [attribute]
  if (/^data:image\//i.test(value)) return [attribute]
  const found = name === 'src' && /^cid:/i.test(value) ? picture(value.slice(4)) : null
  if (found === null) return []
  return [{ ...attribute, value: `data:${found.mediaType};base64,${found.bytes.toString('base64')}` }]
}

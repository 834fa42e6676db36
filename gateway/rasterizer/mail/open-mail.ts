import { GatewayError } from '../../errors.ts'
import { plainName } from '../../page/plain-name.ts'
import { MAX_FILE_NAME_LENGTH, MAX_FILES, type EmbeddedFile, type FactLimits } from '../document-facts.ts'
import type { OpenedDocument } from '../opened-document.ts'
import { mailAsHtml, type BroughtPicture } from './as-html.ts'
import { decodeCharset } from './head.ts'
import { decodeBody, readMail, type MailPart } from './parts.ts'

/**
 * Opens a mail: a document without pages of its own, whose message is a file of HTML and whose attachments are files, as
 * those of a portfolio are.
 */
export function openMail(bytes: Uint8Array): OpenedDocument {
  return {
    pageCount: 0,
    async draw() {
      throw new RangeError('a mail has no pages')
    },
    async facts(limits) {
      const mail = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      try {
        return { labels: null, isXfa: false, files: filesOf(readMail(mail), limits) }
      } catch (cause) {
        // HTML of a hundred thousand elements within each other, say.
        const message = 'The e-mail message cannot be taken apart. Save it as a PDF, and send that.'
        throw new GatewayError('document_unreadable', message, { cause })
      }
    },
    async [Symbol.asyncDispose]() {},
  }
}

/** The parts of a mail by what they are to its reader. */
interface Sorted {
  readonly bodies: MailPart[]
  readonly files: MailPart[]
}

function filesOf(mail: MailPart, { maxFileBytes }: FactLimits): EmbeddedFile[] {
  const sorted: Sorted = { bodies: [], files: [] }
  sort(mail, sorted)
  const shown = new Set<MailPart>()
  const picture = (id: string): BroughtPicture | null => {
    const part = sorted.files.find((file) => contentId(file) === id && file.type.startsWith('image/'))
    if (part === undefined) return null
    shown.add(part)
    return { mediaType: part.type, bytes: decodeBody(part) }
  }
  const bodies = sorted.bodies.map((part) => ({
    type: part.type,
    text: decodeCharset(decodeBody(part), part.head.structured('content-type').parameters.get('charset') ?? ''),
  }))
  // Which pictures are shown is known only when the page is written, and the page names the other files.
  mailAsHtml({ head: mail.head, bodies, names: [], picture })
  const attached = sorted.files.filter((file) => !shown.has(file))
  const names = attached.map(nameOf)
  const html = Buffer.from(mailAsHtml({ head: mail.head, bodies, names, picture }))
  const kept = attached
    .slice(0, MAX_FILES)
    .map((part, index) => ({ name: names[index]!, bytes: () => decodeBody(part) }))
  return withinLimit([{ name: 'message.html', bytes: () => html }, ...kept], maxFileBytes)
}

function withinLimit(
  files: readonly { readonly name: string; readonly bytes: () => Buffer }[],
  maxFileBytes: number,
): EmbeddedFile[] {
  let left = maxFileBytes
  return files.map(({ name, bytes: decode }) => {
    const bytes = decode()
    if (bytes.length > left) return { name, bytes: null, problem: 'too_large' }
    left -= bytes.length
    // In memory of its own: it goes to another thread.
    return { name, bytes: new Uint8Array(bytes), problem: null }
  })
}

/** Of several forms of one text, HTML is shown, else the last one. */
function sort(part: MailPart, sorted: Sorted): void {
  const { parts } = part
  if (parts !== null && part.type === 'multipart/alternative') {
    const best =
      parts.findLast((each) => holds(each, 'text/html')) ?? parts.findLast((each) => holds(each, 'text/plain'))
    for (const each of parts) if (each === best || !isText(each)) sort(each, sorted)
  } else if (parts !== null) {
    for (const each of parts) sort(each, sorted)
  } else if (isText(part) && !isAttached(part)) sorted.bodies.push(part)
  else sorted.files.push(part)
}

const isText = ({ type }: MailPart): boolean => type === 'text/html' || type === 'text/plain'

const holds = (part: MailPart, type: string): boolean =>
  part.type === type || (part.parts?.some((each) => holds(each, type)) ?? false)

function isAttached({ head }: MailPart): boolean {
  const { value, parameters } = head.structured('content-disposition')
  return value === 'attachment' || parameters.has('filename')
}

function contentId({ head }: MailPart): string {
  return (head.text('content-id') ?? '').trim().replace(/^<(.*)>$/, '$1')
}

function nameOf(part: MailPart, index: number): string {
  const { head, type } = part
  const given =
    head.structured('content-disposition').parameters.get('filename') ??
    head.structured('content-type').parameters.get('name') ??
    ''
  const name = plainName(given.replace(/^.*[/\\]/s, ''), MAX_FILE_NAME_LENGTH)
  return name ?? (type === 'message/rfc822' ? `message ${index + 1}.eml` : `attachment ${index + 1}`)
}

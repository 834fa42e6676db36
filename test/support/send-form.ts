import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request, type ClientRequest, type IncomingMessage } from 'node:http'

/** A form with one file, of which nothing is held. */
export interface LargeForm {
  readonly bytes: number
  readonly field?: string
  /** Whether its length is announced. */
  readonly isAnnounced?: boolean
  readonly headers?: Readonly<Record<string, string>>
}

/** What was sent, and what was answered. */
export interface SentForm {
  readonly status: number
  readonly body: { readonly [name: string]: unknown }
  /** Of the file, in hexadecimal; only of one that was sent whole. */
  readonly sha256: string
}

const HEAD = (field: string) =>
  `--b\r\nContent-Disposition: form-data; name="${field}"; filename="large.pdf"\r\nContent-Type: application/pdf\r\n\r\n`
const TAIL = '\r\n--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n--b--\r\n'
const BLOCK_BYTES = 1024 * 1024

/** Sends a file that is made as it is sent, until it is sent or answered. */
export async function sendLargeForm(url: string, form: LargeForm): Promise<SentForm> {
  const asked = startForm(url, form)
  const answered = once(asked, 'response') as Promise<[IncomingMessage]>
  const progress = { isAnswered: false }
  answered.then(() => (progress.isAnswered = true), () => (progress.isAnswered = true)) // prettier-ignore
  const hash = createHash('sha256')
  for (let left = form.bytes; left > 0 && !progress.isAnswered; left -= BLOCK_BYTES) {
    const block = Buffer.alloc(Math.min(left, BLOCK_BYTES), `${left} `)
    hash.update(block)
    if (!asked.write(block)) await Promise.race([once(asked, 'drain'), answered])
  }
  if (!progress.isAnswered) asked.end(TAIL)
  const [response] = await answered
  response.setEncoding('utf8')
  let text = ''
  response.on('data', (piece: string) => (text += piece))
  await once(response, 'close')
  return { status: response.statusCode ?? 0, body: JSON.parse(text) as SentForm['body'], sha256: hash.digest('hex') }
}

/** Starts to send a form, up to the first byte of its file. */
export function startForm(
  url: string,
  { bytes, field = 'file', isAnnounced = true, headers = {} }: LargeForm,
): ClientRequest {
  const length = HEAD(field).length + bytes + TAIL.length
  const asked = request(url, {
    method: 'POST',
    headers: {
      'content-type': 'multipart/form-data; boundary=b',
      ...(isAnnounced ? { 'content-length': length } : {}),
      ...headers,
    },
  })
  asked.on('error', () => {})
  asked.write(HEAD(field))
  return asked
}

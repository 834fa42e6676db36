// Gotenberg 8 as its documentation describes it: https://gotenberg.dev/docs/convert-with-libreoffice/convert-to-pdf. The
// texts are those of its source at 8.36, pkg/modules/libreoffice/routes.go and pkg/modules/api/middlewares.go.
import { Busboy, type BusboyHeaders } from '@fastify/busboy'
import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { makePdf } from '../support/make-pdf.ts'

/** A form as it came. */
export interface ReceivedForm {
  readonly files: readonly {
    readonly field: string
    readonly filename: string
    readonly bytes: number
    readonly sha256: string
  }[]
  readonly fields: Readonly<Record<string, string>>
  readonly authorization: string | null
}

/** How a conversion goes: with a PDF, or with what else may come. */
export type Behaviour =
  | 'pdf'
  | 'encrypted'
  | 'unreadable'
  | 'crash'
  | 'busy'
  | 'timeout'
  | 'too_large'
  | 'no_route'
  | 'silent'
  | 'giant'
  | 'truncated'
  | 'reset'
  | 'not_a_pdf'
  | 'stalled'

/** A Gotenberg that converts nothing, and answers with a PDF that it was given. */
export interface FakeGotenberg extends AsyncDisposable {
  /** As in `GATEWAY_GOTENBERG_URL`. */
  readonly url: string
  readonly forms: readonly ReceivedForm[]
  /** Conversions that it has begun and not ended, and the most at a time. */
  readonly running: number
  readonly most: number
  /** Clients that have left before their answer. */
  readonly left: number
  behave(next: Behaviour): void
  setHealthy(isHealthy: boolean): void
  /** Holds every conversion until it is called what this returns. */
  hold(): () => void
}

/** Its password opens an `encrypted` document. */
export const OFFICE_PASSWORD = 'sesame'

/** Starts one. */
export async function startFakeGotenberg(pages = 1): Promise<FakeGotenberg> {
  const forms: ReceivedForm[] = []
  const state = {
    behaviour: 'pdf' as Behaviour,
    isHealthy: true,
    running: 0,
    most: 0,
    left: 0,
    converted: 0,
    held: Promise.resolve(),
  }
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()))
  server.on('connection', (socket) => sockets.add(socket.once('close', () => sockets.delete(socket))))

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('gotenberg-trace', randomUUID())
    if (request.url === '/health') return health(response)
    if (request.url !== '/forms/libreoffice/convert' || request.method !== 'POST')
      return say(response, 404, 'Not Found')
    if (state.behaviour === 'silent') return
    if (state.behaviour === 'too_large') return say(response, 413, 'Request Entity Too Large')
    const form = await readForm(request)
    forms.push(form)
    state.running += 1
    state.most = Math.max(state.most, state.running)
    const onLeft = (): void => void (response.writableFinished || (state.left += 1))
    response.once('close', onLeft)
    try {
      await state.held
      await convert(form, response)
    } finally {
      state.running -= 1
    }
  }

  function health(response: ServerResponse): void {
    const status = state.isHealthy ? 'up' : 'down'
    const body = JSON.stringify({ status, details: { libreoffice: { status, timestamp: new Date().toISOString() } } })
    response.writeHead(state.isHealthy ? 200 : 503, { 'content-type': 'application/json' }).end(body)
  }

  async function convert(form: ReceivedForm, response: ServerResponse): Promise<void> {
    const { filename = '' } = form.files[0] ?? {}
    const { password } = form.fields
    const isKnown = /^document\.(?:docx|doc|odt|rtf|xlsx|xls|xlsb|ods|pptx|ppt|odp|html|epub)$/.test(filename)
    if (form.files.length !== 1 || !isKnown)
      return say(response, 400, 'Invalid form data: no form file found for extensions: [.docx …]')
    if (state.behaviour === 'encrypted') {
      if (password === undefined)
        return say(
          response,
          400,
          `The document '${filename}' is password-protected. Provide its password in the 'password' form field.`,
        )
      if (password !== OFFICE_PASSWORD)
        return say(
          response,
          400,
          `The password for the document '${filename}' is incorrect. Check the 'password' form field.`,
        )
    } else if (password !== undefined)
      return say(
        response,
        400,
        `The document '${filename}' is not password-protected. Remove the 'password' form field.`,
      )
    return answerAs(state.behaviour, filename, response)
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // Two conversions of one document differ in their bytes, and here in their pages as well.
  const pdf = (): Buffer => {
    state.converted += 1
    const first = state.converted * pages
    return Buffer.from(makePdf(Array.from({ length: pages }, (_, index) => ({ number: first + index }))))
  }

  async function answerAs(behaviour: Behaviour, filename: string, response: ServerResponse): Promise<void> {
    if (behaviour === 'unreadable')
      return say(
        response,
        400,
        `LibreOffice could not read the document '${filename}'. Ensure the file is not corrupted and that its extension matches its actual format.`,
      )
    if (behaviour === 'crash')
      return say(
        response,
        500,
        `LibreOffice failed to convert the document '${filename}'. This is usually a resource issue: increase the container's memory and CPU, or reduce the document's size. The request is valid and may be retried.`,
      )
    if (behaviour === 'busy') {
      response.setHeader('retry-after', '7')
      return say(
        response,
        429,
        'The request queue is full. Retry shortly, or raise the limit with --chromium-max-queue-size or --libreoffice-max-queue-size.',
      )
    }
    if (behaviour === 'timeout')
      return say(
        response,
        503,
        'The request exceeded the time limit. Increase it with --api-timeout, or reduce the workload.',
      )
    if (behaviour === 'no_route') return say(response, 404, 'Not Found')
    if (behaviour === 'reset') return void response.socket?.resetAndDestroy()
    const headers = {
      'content-type': 'application/pdf',
      'content-disposition': `attachment; filename=${randomUUID()}.pdf`,
    }
    if (behaviour === 'not_a_pdf') return void response.writeHead(200, headers).end('<html>Please log in.</html>')
    if (behaviour === 'giant')
      return void response.writeHead(200, { ...headers, 'content-length': 2 ** 33 }).write('%PDF-1.7\n')
    const bytes = pdf()
    response.writeHead(200, { ...headers, 'content-length': bytes.length })
    if (behaviour === 'stalled') return void response.write(bytes.subarray(0, 100))
    if (behaviour === 'truncated') return void response.write(bytes.subarray(0, 200), () => response.socket?.destroy())
    response.end(bytes)
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    forms,
    get running() {
      return state.running
    },
    get most() {
      return state.most
    },
    get left() {
      return state.left
    },
    behave: (next) => void (state.behaviour = next),
    setHealthy: (isHealthy) => void (state.isHealthy = isHealthy),
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>()
      state.held = promise
      return resolve
    },
    [Symbol.asyncDispose]: () => stop(server, sockets),
  }
}

function say(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=UTF-8' }).end(text)
}

async function stop(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => server.close(resolve))
}

async function readForm(request: IncomingMessage): Promise<ReceivedForm> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const files: { field: string; filename: string; bytes: number; sha256: string }[] = []
  const fields: Record<string, string> = {}
  const parser = new Busboy({ headers: request.headers as BusboyHeaders })
  parser.on('file', (field, stream, filename) => {
    const hash = createHash('sha256')
    let bytes = 0
    stream.on('data', (piece: Buffer) => {
      bytes += piece.length
      hash.update(piece)
    })
    stream.on('end', () => files.push({ field, filename: filename ?? '', bytes, sha256: hash.digest('hex') }))
  })
  parser.on('field', (name, value) => void (fields[name] = value))
  parser.on('finish', resolve).on('error', reject)
  request.once('close', () => request.complete || reject(new Error('the client has left')))
  request.pipe(parser)
  await promise
  return { files, fields, authorization: request.headers.authorization ?? null }
}

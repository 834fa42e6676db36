import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { createContract, type Contract } from './openapi-contract.ts'

/** Watches the answers of a gateway, and holds each against the description of its API. */
export interface AnswerCheck {
  /** Ends the watch; throws where an answer was not as it is described, with its path and field. */
  end(): void
}

/** More of an answer is not kept for the check. */
const MAX_BYTES = 4 * 1024 * 1024
const MAX_PROBLEMS = 20

let contract: Contract | null = null

/** Begins to watch the answers of a server in this process. Whatever client asks: they are seen where they leave. */
export function checkAnswers(url: string): AnswerCheck {
  const port = Number(new URL(url).port)
  const problems = new Set<string>()
  const onRequest = (message: unknown): void => {
    const { request, response, socket } = message as {
      request: IncomingMessage
      response: ServerResponse
      socket: Socket
    }
    if (socket.localPort !== port || problems.size >= MAX_PROBLEMS) return
    const body = keepBody(response)
    response.once('finish', () => {
      for (const problem of problemsOf(request, response, body())) problems.add(problem)
    })
  }
  subscribe('http.server.request.start', onRequest)
  return {
    end() {
      unsubscribe('http.server.request.start', onRequest)
      assert.deepEqual([...problems], [], 'answers are not as /openapi.json describes them')
    },
  }
}

function problemsOf(request: IncomingMessage, response: ServerResponse, body: Buffer | null): readonly string[] {
  contract ??= createContract()
  const { method = '', url = '' } = request
  return contract.problems({
    method,
    path: url.split('?', 1)[0] ?? '',
    status: response.statusCode,
    header: (name) => response.getHeader(name)?.toString() ?? writtenHeader(response, name),
    body,
  })
}

/** Headers that were given to `writeHead` alone are only in what was sent. */
function writtenHeader(response: ServerResponse, name: string): string | undefined {
  const { _header: sent } = response as ServerResponse & { readonly _header?: string | null }
  return new RegExp(`^${name}: (.*)$`, 'im').exec(sent ?? '')?.[1]?.trim()
}

/** Keeps what is written; null: it was more than is kept. */
function keepBody(response: ServerResponse): () => Buffer | null {
  const pieces: Buffer[] = []
  let length = 0
  const keep = (chunk: unknown, encoding: unknown): void => {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return
    length += chunk.length
    if (length > MAX_BYTES) pieces.length = 0
    else pieces.push(typeof chunk === 'string' ? Buffer.from(chunk, asEncoding(encoding)) : Buffer.from(chunk))
  }
  // oxlint-disable-next-line typescript/unbound-method -- both are called as the response's
  const { write, end } = response
  response.write = ((...args: Parameters<typeof write>) => {
    keep(args[0], args[1])
    return write.apply(response, args)
  }) as typeof write
  response.end = ((...args: Parameters<typeof end>) => {
    // Node's own `end` does not call `write`.
    keep(args[0], args[1])
    return end.apply(response, args)
  }) as typeof end
  return () => (length > MAX_BYTES ? null : Buffer.concat(pieces))
}

const asEncoding = (encoding: unknown): BufferEncoding =>
  typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8'

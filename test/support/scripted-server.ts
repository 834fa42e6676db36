import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server that answers as a script says, however wrongly. */
export interface ScriptedServer extends AsyncDisposable {
  /** Its base URL, as a gateway is told it. */
  readonly url: string
  /** Bytes that it could send of endless bodies. */
  sent(): number
  /** Endless bodies whose client is still there. */
  sending(): number
}

/** What it does with a request; `endless` sends a text again and again for as long as the other side reads. */
export type Script = (request: IncomingMessage, response: ServerResponse, endless: Endless) => void

type Endless = (response: ServerResponse, text: string) => void

/** Starts a server on a free port. It lists one model, and knows no other path, unless its script answers. */
export async function startScriptedServer(paths: Readonly<Record<string, Script>>): Promise<ScriptedServer> {
  let sent = 0
  let sending = 0

  async function send(response: ServerResponse, text: string): Promise<void> {
    sending += 1
    response.once('close', () => (sending -= 1))
    const ended = new AbortController()
    response.once('close', () => ended.abort())
    try {
      while (!response.destroyed) {
        if (!response.write(text)) await once(response, 'drain', { signal: ended.signal })
        sent += text.length
      }
    } catch {
      // The other side has left.
    }
  }

  const server = createServer((request, response) => {
    // Whoever sends a page still writes while it is refused.
    request.resume()
    const script = paths[request.url ?? '']
    if (script !== undefined) script(request, response, (to, text) => void send(to, text))
    else if (request.url === '/v1/models')
      response.end(JSON.stringify({ data: [{ id: 'ocr', max_model_len: 16_384 }] }))
    else response.writeHead(404).end('{"detail":"Not Found"}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/v1`,
    sent: () => sent,
    sending: () => sending,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

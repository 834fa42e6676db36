import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An upstream that keeps what it was sent, byte for byte, and answers everything with the same completion. */
export interface RecordingUpstream extends AsyncDisposable {
  readonly url: string
  readonly received: readonly { readonly path: string; readonly body: Buffer }[]
}

/** Starts an upstream that lists these models. */
export async function startRecordingUpstream(models: readonly string[]): Promise<RecordingUpstream> {
  const received: { path: string; body: Buffer }[] = []
  const list = { object: 'list', data: models.map((id) => ({ id, object: 'model', root: id, max_model_len: 16_384 })) }
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      if (request.method === 'POST') received.push({ path: request.url ?? '', body: Buffer.concat(pieces) })
      const said = request.url === '/v1/models' ? list : { id: 'x', object: 'chat.completion', choices: [] }
      response.setHeader('content-type', 'application/json').end(JSON.stringify(said))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/v1`,
    received,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

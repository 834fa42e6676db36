import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'

const LISTEN_AND_BLOCK = `
const { parentPort } = require('node:worker_threads')
const server = require('node:net').createServer()
server.listen(0, '127.0.0.1', 1, () => {
  parentPort.postMessage(server.address().port)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})`

/** A port whose process is too stuck to accept: connecting to it neither succeeds nor fails. */
export interface StuckServer extends AsyncDisposable {
  readonly port: number
}

/** Starts a listener on a blocked thread and fills its backlog, after which the kernel leaves connections unanswered. */
export async function startStuckServer(): Promise<StuckServer> {
  const worker = new Worker(LISTEN_AND_BLOCK, { eval: true })
  const [port] = (await once(worker, 'message')) as [number]
  const sockets: Socket[] = []
  do sockets.push(connect(port, '127.0.0.1').on('error', () => {}))
  while (await isAccepted(sockets.at(-1)))
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await worker.terminate()
    },
  }
}

function isAccepted(socket: Socket | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), 500)
    socket?.once('connect', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

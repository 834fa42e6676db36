import type { IncomingMessage, ServerResponse } from 'node:http'
import { instantAnswers, readsStream } from './fake-vllm-instant.ts'

/** A server of a fixed rate: `places` pages run at once, each for `seconds`, and the others wait in its own queue. */
export interface ServiceOptions {
  readonly places: number
  readonly seconds: number
}

/** Answers chats at a fixed rate; no image is decoded, so that it costs next to nothing. */
export interface Service {
  readonly running: () => number
  readonly waiting: () => number
  answer(request: IncomingMessage, response: ServerResponse, modelId: string): Promise<void>
}

interface Turn {
  /** When the place became free, on the clock of `performance.now()`. */
  readonly begin: (freeAt: number) => void
  left: boolean
}

/** Starts a server of a fixed rate. */
export function createService({ places, seconds }: ServiceOptions): Service {
  const queue: Turn[] = []
  let running = 0

  function next(freeAt: number): void {
    let turn = queue.shift()
    while (turn?.left === true) turn = queue.shift()
    if (turn === undefined) running -= 1
    else turn.begin(freeAt)
  }

  /** Waits for a place, first come, first served; returns when it became free. */
  function place(response: ServerResponse): Promise<number> {
    if (running < places) {
      running += 1
      return Promise.resolve(performance.now())
    }
    const { promise, resolve } = Promise.withResolvers<number>()
    const turn: Turn = { begin: resolve, left: false }
    queue.push(turn)
    response.once('close', () => (turn.left = true))
    return promise
  }

  async function answer(request: IncomingMessage, response: ServerResponse, modelId: string): Promise<void> {
    const streamed = await readsStream(request)
    const { head, tail, whole } = instantAnswers(modelId)
    // vLLM's status comes before the request's turn does.
    response.writeHead(200, { 'content-type': streamed ? 'text/event-stream; charset=utf-8' : 'application/json' })
    response.flushHeaders()
    const startedAt = await place(response)
    if (response.destroyed) return next(performance.now())
    if (streamed) response.write(head)
    // By the clock of the place and not by when its timer came, or a busy machine would slow the server down.
    const endsAt = startedAt + seconds * 1000
    const timer = setTimeout(() => response.end(streamed ? tail : whole), endsAt - performance.now())
    response.once('close', () => {
      clearTimeout(timer)
      next(response.writableFinished ? endsAt : performance.now())
    })
  }

  return { running: () => running, waiting: () => queue.filter(({ left }) => !left).length, answer }
}

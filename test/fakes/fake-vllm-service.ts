import type { IncomingMessage, ServerResponse } from 'node:http'
import { batching, type Engine } from '../simulate/scenario.ts'
import { createServer } from '../simulate/servers.ts'
import { instantAnswers, readsStream } from './fake-vllm-instant.ts'

/** A server of a fixed rate: `places` pages run at once, each for `seconds`, and the others wait in its own queue. */
export interface ServiceOptions {
  readonly places: number
  readonly seconds: number
  /** How long a page takes that runs alone, where a server slows down as it fills; left out: `seconds`. */
  readonly aloneSeconds?: number
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

/** Starts a server of a fixed rate, or one that slows down as it fills. */
export function createService({ places, seconds, aloneSeconds = seconds }: ServiceOptions): Service {
  const queue: Turn[] = []
  const endOf = aloneSeconds === seconds ? fixedEnds(seconds) : sharedEnds(batching(places, places / seconds, aloneSeconds)) // prettier-ignore
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
    let endedAt = NaN
    const leave = endOf(startedAt, (at) => {
      endedAt = at
      response.end(streamed ? tail : whole)
    })
    response.once('close', () => {
      leave()
      next(response.writableFinished ? endedAt : performance.now())
    })
  }

  return { running: () => running, waiting: () => queue.filter(({ left }) => !left).length, answer }
}

/** Calls back when a page that began at a moment is read, with the moment at which it was; returns how it is left before. */
type Ends = (startedAt: number, onEnd: (endedAt: number) => void) => () => void

/** By the clock of the place and not by when its timer came, or a busy machine would slow the server down. */
function fixedEnds(seconds: number): Ends {
  return (startedAt, onEnd) => {
    const endsAt = startedAt + seconds * 1000
    const timer = setTimeout(() => onEnd(endsAt), endsAt - performance.now())
    return () => clearTimeout(timer)
  }
}

/** All pages go on at one pace, which depends on how many there are. One that is left goes on to its end. */
function sharedEnds(engine: Engine): Ends {
  const server = createServer<(endedAt: number) => void>(engine)
  let timer: NodeJS.Timeout | undefined
  let now = 0
  function wait(): void {
    clearTimeout(timer)
    const { nextEnd } = server.state
    if (nextEnd < Infinity) timer = setTimeout(end, Math.max(0, nextEnd * 1000 - performance.now()))
  }
  function end(): void {
    now = server.state.nextEnd
    server.end(now)?.(now * 1000)
    wait()
  }
  return (startedAt, onEnd) => {
    let isLeft = false
    now = Math.max(now, startedAt / 1000)
    server.begin((at) => isLeft || onEnd(at), 1, now)
    wait()
    return () => void (isLeft = true)
  }
}

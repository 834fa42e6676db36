import type { IncomingMessage, ServerResponse } from 'node:http'
import { batching, sharing, type Engine } from '../simulate/scenario.ts'
import { createServer } from '../simulate/servers.ts'
import { instantAnswers, readsStream } from './fake-vllm-instant.ts'

/** A server of a fixed rate: `places` pages run at once, each for `seconds`, and the others wait in its own queue. */
export interface ServiceOptions {
  readonly places: number
  readonly seconds: number
  /** How long a page takes that runs alone, where a server slows down as it fills; left out: `seconds`. */
  readonly aloneSeconds?: number
  /** Takes all pages at once: beyond `places` all go on the slower, the more they are. */
  readonly takesAll?: boolean
  /** How often the text of all pages goes on; a GPU makes a token of each in five to fifty. Left out: 25. */
  readonly everyMilliseconds?: number
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
export function createService(options: ServiceOptions): Service {
  const { places, takesAll = false } = options
  const queue: Turn[] = []
  const clock = createClock(options)
  const streams = createStreams(options.everyMilliseconds)
  let running = 0

  function next(freeAt: number): void {
    let turn = queue.shift()
    while (turn?.left === true) turn = queue.shift()
    if (turn === undefined) running -= 1
    else turn.begin(freeAt)
  }

  /** Waits for a place, first come, first served; returns when it became free. */
  function place(response: ServerResponse): Promise<number> {
    if (running < places || takesAll) {
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
    const { events, whole } = instantAnswers(modelId)
    // vLLM's status comes before the request's turn does.
    response.writeHead(200, { 'content-type': streamed ? 'text/event-stream; charset=utf-8' : 'application/json' })
    response.flushHeaders()
    const startedAt = await place(response)
    if (response.destroyed) return next(performance.now())
    const page = clock.begin(startedAt, (at) => {
      endedAt = at
      stream?.end()
      response.end(streamed ? undefined : whole)
    })
    const stream = streamed ? streams.begin(response, events, page.share) : null
    let endedAt = NaN
    response.once('close', () => {
      page.leave()
      stream?.leave()
      next(response.writableFinished ? endedAt : performance.now())
    })
  }

  return { running: () => running, waiting: () => queue.filter(({ left }) => !left).length, answer }
}

/** Writes answers event by event, each as far as its page has come. */
function createStreams(everyMilliseconds = 25) {
  const streams = new Set<() => void>()
  let timer: NodeJS.Timeout | undefined
  const goOn = () => streams.forEach((write) => write())
  return {
    begin(response: ServerResponse, events: readonly Buffer[], share: () => number) {
      let written = 0
      const write = (until: number) => {
        if (until > written) response.write(Buffer.concat(events.slice(written, until)))
        written = Math.max(written, until)
      }
      const writeMore = () => write(Math.max(2, Math.floor(share() * (events.length - 3))))
      writeMore()
      streams.add(writeMore)
      timer ??= setInterval(goOn, everyMilliseconds)
      const leave = () => {
        streams.delete(writeMore)
        if (streams.size > 0) return
        clearInterval(timer)
        timer = undefined
      }
      return {
        leave,
        end(): void {
          leave()
          write(events.length)
        },
      }
    },
  }
}

/** A page that is being read. */
interface RunningPage {
  /** How much of it is read, from 0 to 1. */
  readonly share: () => number
  /** It is left before its end. */
  readonly leave: () => void
}

/** Says when pages are read: calls back with the moment at which one that began at a moment is. */
interface Clock {
  begin(startedAt: number, onEnd: (endedAt: number) => void): RunningPage
}

function createClock({ places, seconds, aloneSeconds = seconds, takesAll = false }: ServiceOptions): Clock {
  if (takesAll) return sharedClock(sharing(places, places / seconds, aloneSeconds))
  return aloneSeconds === seconds ? fixedClock(seconds) : sharedClock(batching(places, places / seconds, aloneSeconds))
}

/** By the clock of the place and not by when its timer came, or a busy machine would slow the server down. */
function fixedClock(seconds: number): Clock {
  return {
    begin(startedAt, onEnd) {
      const endsAt = startedAt + seconds * 1000
      const timer = setTimeout(() => onEnd(endsAt), endsAt - performance.now())
      const share = () => 1 - (endsAt - performance.now()) / (seconds * 1000)
      return { share, leave: () => clearTimeout(timer) }
    },
  }
}

/** All pages go on at one pace, which depends on how many there are; one that is left is ended, as vLLM does. */
function sharedClock(engine: Engine): Clock {
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
  const came = () => server.came(Math.max(now, performance.now() / 1000))
  return {
    begin(startedAt, onEnd) {
      now = Math.max(now, startedAt / 1000)
      const from = came()
      server.begin(onEnd, 1, now)
      wait()
      return {
        share: () => Math.min(1, came() - from),
        leave() {
          now = Math.max(now, performance.now() / 1000)
          if (server.leave(onEnd, now)) wait()
        },
      }
    },
  }
}

import { EventSourceParserStream } from 'eventsource-parser/stream'
import type { StatusSnapshot } from '../../../wire/status.ts'

/** The gateway does not show its status with this key, or with none. */
export class KeyRefused extends Error {}

/** The stream is over, or could not begin; it may be tried again. */
export class StreamLost extends Error {}

/** How a stream is followed. */
export interface FollowOptions {
  readonly key: string | null
  readonly onSnapshot: (snapshot: StatusSnapshot) => void
  readonly signal: AbortSignal
}

/** A gateway that says nothing for so long is away, though the connection stands. In milliseconds. */
const MAX_SILENCE = 6000

/** Follows the status until it ends. Throws KeyRefused, StreamLost, and the signal's reason. */
export async function followStatus(
  address: string,
  send: (address: string, init: RequestInit) => Promise<Response>,
  { key, onSnapshot, signal }: FollowOptions,
): Promise<never> {
  const silence = createAlarm(MAX_SILENCE)
  const either = AbortSignal.any([signal, silence.signal])
  try {
    silence.set()
    const headers = { accept: 'text/event-stream', ...(key === null ? {} : { authorization: `Bearer ${key}` }) }
    const response = await send(address, { headers, cache: 'no-store', signal: either })
    if (!response.ok || response.body === null) throw await refusal(response)
    for await (const data of eventsOf(response.body, () => silence.set(), either)) {
      onSnapshot(JSON.parse(data) as StatusSnapshot)
    }
    throw new StreamLost('The gateway has ended the connection.')
  } catch (error) {
    signal.throwIfAborted()
    if (silence.signal.aborted) throw new StreamLost('The gateway says nothing.', { cause: error })
    if (error instanceof KeyRefused || error instanceof StreamLost) throw error
    throw new StreamLost('The gateway cannot be reached.', { cause: error })
  } finally {
    silence.clear()
  }
}

async function* eventsOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  onBytes: () => void,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const heard = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(bytes, controller) {
      onBytes()
      controller.enqueue(bytes)
    },
  })
  const text = body.pipeThrough(heard, { signal }).pipeThrough(new TextDecoderStream())
  const reader = text.pipeThrough(new EventSourceParserStream()).getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      if (value.event === 'status') yield value.data
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

async function refusal(response: Response): Promise<Error> {
  const said: unknown = await response.json().catch(() => null)
  const { error } = Object(said) as { readonly error?: { readonly message?: unknown } }
  const message = typeof error?.message === 'string' ? error.message : `The gateway answered ${response.status}.`
  return response.status === 401 || response.status === 403 ? new KeyRefused(message) : new StreamLost(message)
}

/** Aborts its signal when it was not set again in time. */
function createAlarm(milliseconds: number) {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  return {
    signal: controller.signal,
    set(): void {
      clearTimeout(timer)
      timer = setTimeout(() => controller.abort(), milliseconds)
    },
    clear: (): void => clearTimeout(timer),
  }
}

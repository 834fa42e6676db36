/** Streams that all get the same bytes. */
export interface Audience {
  /** Adds a stream; `onEnd` is called once, when it is over. */
  join(onEnd: OnEnd): JoinedStream
  /** Sends to all. One that has not been read for a while is over. */
  send(bytes: Uint8Array): void
  readonly size: number
  /** Ends all streams. */
  close(): void
}

/** Told how a stream has ended; `isUnread`: it was not read, and its connection should be cut. */
export type OnEnd = (isUnread: boolean) => void

/** A stream, and what is sent on it alone. */
export interface JoinedStream {
  readonly stream: ReadableStream<Uint8Array>
  send(bytes: Uint8Array): void
}

/** So many sendings in a row that found no room in a stream: nobody reads it any more. */
const MAX_SKIPPED = 10
/** What waits in a stream, in sendings. */
const MAX_WAITING = 2

interface Listener {
  readonly controller: ReadableStreamDefaultController<Uint8Array>
  readonly onEnd: OnEnd
  skipped: number
}

/** Creates an audience of nobody; `onEmpty` is called when the last one has left. */
export function createAudience(onEmpty: () => void): Audience {
  const listeners = new Set<Listener>()

  function remove(listener: Listener, isUnread = false): void {
    if (!listeners.delete(listener)) return
    listener.onEnd(isUnread)
    if (listeners.size === 0) onEmpty()
  }

  function sendTo(listener: Listener, bytes: Uint8Array): void {
    const { controller } = listener
    if (!listeners.has(listener)) return
    if ((controller.desiredSize ?? 0) > 0) {
      controller.enqueue(bytes)
      listener.skipped = 0
    } else if (++listener.skipped >= MAX_SKIPPED) {
      controller.close()
      remove(listener, true)
    }
  }

  return {
    join(onEnd) {
      const { stream, controller, left } = openStream()
      const listener: Listener = { controller, onEnd, skipped: 0 }
      listeners.add(listener)
      void left.then(() => remove(listener))
      return { stream, send: (bytes) => sendTo(listener, bytes) }
    },
    send(bytes) {
      for (const listener of Array.from(listeners)) sendTo(listener, bytes)
    },
    get size() {
      return listeners.size
    },
    close() {
      for (const listener of Array.from(listeners)) {
        listener.controller.close()
        remove(listener)
      }
    },
  }
}

/** Opens a stream; `left` resolves when its reader has left. */
function openStream() {
  const left = Promise.withResolvers<void>()
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const stream = new ReadableStream<Uint8Array>(
    {
      start(begun) {
        controller = begun
      },
      cancel: () => left.resolve(),
    },
    { highWaterMark: MAX_WAITING },
  )
  // `start` has run by now.
  return { stream, controller: controller!, left: left.promise }
}

import type { Socket } from 'node:net'
import { deserialize, serialize } from 'node:v8'

/** What comes over a channel: a message, and the bytes that came with it. */
export type Receive<Message> = (message: Message, attachments: readonly Uint8Array[]) => void

/** Memory for an attachment of so many bytes. */
export type Allocate = (size: number) => Uint8Array

/** One end of a connection between two processes that send each other messages. */
export interface Channel<Message> {
  /** Sends a message, and bytes that are not copied on the way out: they must not change before they are sent. */
  send(message: Message, attachments?: readonly Uint8Array[]): void
}

/** The length of what describes a frame, in front of it. */
const LENGTH_BYTES = 4

/** What a frame begins with. */
interface Head<Message> {
  readonly message: Message
  /** The lengths of the attachments, which follow. */
  readonly sizes: readonly number[]
}

/**
 * Opens a channel over a socket. Node's own between processes would copy a document several times, and into memory that
 * threads cannot share.
 */
export function openChannel<Out, In>(
  socket: Socket,
  receive: Receive<In>,
  allocate: Allocate = (size) => new Uint8Array(size),
): Channel<Out> {
  const read = createReader(receive, allocate)
  socket.on('data', (bytes: Buffer) => read(bytes))
  return {
    send(message, attachments = []) {
      const head = serialize({ message, sizes: attachments.map(({ byteLength }) => byteLength) } satisfies Head<Out>)
      const length = Buffer.alloc(LENGTH_BYTES)
      length.writeUInt32LE(head.byteLength)
      socket.cork()
      for (const bytes of [length, head, ...attachments]) socket.write(bytes)
      socket.uncork()
    },
  }
}

/** Puts frames together from the pieces in which they arrive. */
function createReader<Message>(receive: Receive<Message>, allocate: Allocate): (bytes: Uint8Array) => void {
  let head: Head<Message> | null = null
  let attachments: Uint8Array[] = []
  /** What is being filled now, and how much of it is. */
  let part: Uint8Array = new Uint8Array(LENGTH_BYTES)
  let filled = 0
  let isLength = true

  function next(into: Uint8Array): void {
    part = into
    filled = 0
  }

  /** Goes on after a part is full. An attachment may be empty, and full at once. */
  function advance(): void {
    if (isLength) {
      isLength = false
      return next(new Uint8Array(new DataView(part.buffer).getUint32(0, true)))
    }
    if (head === null) head = deserialize(part) as Head<Message>
    else attachments.push(part)
    const size = head.sizes[attachments.length]
    if (size !== undefined) return next(allocate(size))
    const whole = { message: head.message, attachments }
    head = null
    attachments = []
    isLength = true
    next(new Uint8Array(LENGTH_BYTES))
    receive(whole.message, whole.attachments)
  }

  return function read(bytes) {
    let at = 0
    while (at < bytes.byteLength) {
      const taken = Math.min(part.byteLength - filled, bytes.byteLength - at)
      part.set(bytes.subarray(at, at + taken), filled)
      filled += taken
      at += taken
      while (filled === part.byteLength) advance()
    }
  }
}

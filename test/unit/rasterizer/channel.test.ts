import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { openChannel } from '../../../gateway/rasterizer/channel.ts'
import { eventually } from '../../support/within.ts'

interface Note {
  readonly text: string
  readonly bytes?: Uint8Array
}

describe('a channel between processes', () => {
  it('brings messages in order, with what is attached to them, however they are cut on the way', async () => {
    await using ends = await connected()
    const received: [Note, readonly Uint8Array[]][] = []
    openChannel<never, Note>(ends.other, (note, attached) => received.push([note, attached]))
    const channel = openChannel<Note, never>(ends.one, () => {})
    const large = new Uint8Array(3_000_000).map((_, index) => index % 251)
    channel.send({ text: 'first' })
    channel.send({ text: 'large', bytes: large }, [large, new Uint8Array(), new Uint8Array([1, 2, 3])])
    channel.send({ text: 'last' }, [new Uint8Array()])
    await eventually(() => received.length === 3, 5000, 'three messages')
    assert.deepEqual(
      received.map(([{ text }, attached]) => [text, attached.map(({ byteLength }) => byteLength)]),
      [
        ['first', []],
        ['large', [3_000_000, 0, 3]],
        ['last', [0]],
      ],
    )
    const [, [note, attached]] = received as [unknown, [Note, readonly Uint8Array[]]]
    assert.deepEqual(Buffer.compare(note.bytes!, large), 0)
    assert.deepEqual(Buffer.compare(attached[0]!, large), 0)
  })

  it('puts frames together that come a byte at a time', async () => {
    await using ends = await connected()
    const pieces: Buffer[] = []
    ends.other.on('data', (piece: Buffer) => pieces.push(piece))
    const sender = openChannel<Note, never>(ends.one, () => {})
    sender.send({ text: 'one' }, [new Uint8Array([7, 8])])
    sender.send({ text: 'two' })
    ends.one.end()
    await once(ends.other, 'end')
    await using again = await connected()
    const received: string[] = []
    openChannel<never, Note>(again.other, ({ text }, attached) => received.push(`${text} ${attached.join()}`))
    for (const byte of Buffer.concat(pieces)) again.other.emit('data', Buffer.from([byte]))
    assert.deepEqual(received, ['one 7,8', 'two '])
  })

  it('puts attachments where it is told to', async () => {
    await using ends = await connected()
    const received: Uint8Array[] = []
    const shared = (size: number) => new Uint8Array(new SharedArrayBuffer(size))
    openChannel<never, Note>(ends.other, (_, attached) => received.push(...attached), shared)
    openChannel<Note, never>(ends.one, () => {}).send({ text: '' }, [new Uint8Array([5])])
    await eventually(() => received.length === 1, 5000, 'the attachment')
    assert.ok(received[0]?.buffer instanceof SharedArrayBuffer)
    assert.equal(received[0][0], 5)
  })
})

async function connected(): Promise<{ readonly one: Socket; readonly other: Socket } & AsyncDisposable> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const one = connect(address.port, '127.0.0.1')
  const [other] = (await once(server, 'connection')) as [Socket]
  return {
    one,
    other,
    async [Symbol.asyncDispose]() {
      one.destroy()
      other.destroy()
      server.close()
    },
  }
}

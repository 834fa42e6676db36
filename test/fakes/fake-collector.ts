import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A span as a collector has received it. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string
  readonly name: string
  /** 1: internal, 2: server, 3: client. */
  readonly kind: number
  readonly attributes: Readonly<Record<string, unknown>>
  /** 2: it ended with an error. */
  readonly status: number
  readonly seconds: number
}

/** An OpenTelemetry collector that takes traces as protobuf over HTTP. */
export interface FakeCollector extends AsyncDisposable {
  /** As in `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string
  readonly spans: readonly ReceivedSpan[]
  /** Of the process that sent the spans. */
  readonly resource: Readonly<Record<string, unknown>>
  /** Every byte that came, as text. */
  readonly text: string
  /** `true`: connections are accepted, and nothing is answered. */
  setHanging(hanging: boolean): void
}

/** Starts a collector. */
export async function startFakeCollector(): Promise<FakeCollector> {
  const spans: ReceivedSpan[] = []
  const resource: Record<string, unknown> = {}
  let text = ''
  let isHanging = false
  const server = createServer((request, response) => void take(request, response))
  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>))
    if (isHanging) return
    text += body.toString('latin1')
    for (const resourceSpans of messagesOf(body, 1)) {
      for (const described of messagesOf(resourceSpans, 1)) Object.assign(resource, attributesOf(described, 1))
      for (const scope of messagesOf(resourceSpans, 2)) spans.push(...messagesOf(scope, 2).map(readSpan))
    }
    response.writeHead(request.url === '/v1/traces' ? 200 : 404, { 'content-type': 'application/x-protobuf' }).end()
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    resource,
    get text() {
      return text
    },
    setHanging: (hanging) => void (isHanging = hanging),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function readSpan(span: Buffer): ReceivedSpan {
  const id = (field: number): string => messagesOf(span, field)[0]?.toString('hex') ?? ''
  const time = (field: number): bigint => fieldsOf(span).find(({ number }) => number === field)?.value as bigint
  const status = messagesOf(span, 15)[0]
  return {
    traceId: id(1),
    spanId: id(2),
    parentId: id(4),
    name: messagesOf(span, 5)[0]?.toString() ?? '',
    kind: Number(fieldsOf(span).find(({ number }) => number === 6)?.value ?? 0),
    attributes: attributesOf(span, 9),
    status: status === undefined ? 0 : Number(fieldsOf(status).find(({ number }) => number === 3)?.value ?? 0),
    seconds: Number(time(8) - time(7)) / 1e9,
  }
}

function attributesOf(message: Buffer, field: number): Record<string, unknown> {
  return Object.fromEntries(
    messagesOf(message, field).map((pair) => {
      const [key, value] = [messagesOf(pair, 1)[0]?.toString() ?? '', messagesOf(pair, 2)[0] ?? Buffer.alloc(0)]
      return [key, valueOf(value)]
    }),
  )
}

/** `AnyValue`: a string, a boolean, an integer, a double, or an array of values. */
function valueOf(any: Buffer): unknown {
  const [field] = fieldsOf(any)
  if (field === undefined) return null
  const { number, value } = field
  if (number === 1) return value.toString()
  if (number === 2) return value === 1n
  if (number === 4) return new DataView(new BigUint64Array([value as bigint]).buffer).getFloat64(0, true)
  return number === 5 ? messagesOf(value as Buffer, 1).map(valueOf) : Number(value)
}

const messagesOf = (message: Buffer, number: number): Buffer[] =>
  fieldsOf(message).flatMap((field) => (field.number === number && Buffer.isBuffer(field.value) ? [field.value] : []))

interface Field {
  readonly number: number
  readonly value: bigint | Buffer
}

/** Reads protobuf's wire format: https://protobuf.dev/programming-guides/encoding/ */
function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = []
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++] ?? 0
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  const take = (length: number): Buffer => message.subarray(at, (at += length))
  while (at < message.length) {
    const tag = Number(varint())
    const [number, wire] = [tag >> 3, tag & 7]
    if (wire === 0) fields.push({ number, value: varint() })
    else if (wire === 1) fields.push({ number, value: take(8).readBigUInt64LE() })
    else if (wire === 2) fields.push({ number, value: take(Number(varint())) })
    else fields.push({ number, value: BigInt(take(4).readUInt32LE()) })
  }
  return fields
}

import { GatewayError } from '../errors.ts'
import type { RequestBody } from '../request/context.ts'
import { shareLoop } from '../schedule/loop-share.ts'
import type { ByteBudget, Reservation } from '../schedule/byte-budget.ts'
import type { GatewayContext } from './context.ts'
import { createJsonScan, type JsonLimit, type JsonLimits, type JsonScan, type LongString } from './json-scan.ts'
import { freeMemory, readBody } from './read-body.ts'
import { repeatedName } from './repeated-name.ts'

/** A request body: its bytes as they came, and what they say. */
export interface JsonBody extends RequestBody {
  readonly bytes: Buffer
  /** Where its long strings stand. */
  readonly longStrings: readonly LongString[]
  /** The memory that it takes of what all bodies may take; released when the request ends. */
  readonly reservation: Reservation
}

/** The services and limits of bodies. */
export interface BodyServices {
  readonly maxBodyBytes: number
  readonly bodyBudget: ByteBudget
  readonly bodyIdleSeconds: number
}

/** Nothing in a smaller outline takes so long that others should have their turn before. */
const SMALL_BYTES = 64 * 1024

/**
 * No honest request comes near these; see docs/operating.md. Parsing what is within them, and looking through it, takes
 * some tens of milliseconds. Code that recurses over what a client sent does not run out of stack.
 */
const LIMITS: JsonLimits = {
  levels: 200,
  containers: 100_000,
  strings: 200_000,
  values: 1_000_000,
  outlineBytes: 16 * 1024 * 1024,
}

/** Reads a JSON body. Throws what `readBody` throws, and `invalid_json`; `body_too_large` for one that holds too much. */
export async function readJson(
  c: GatewayContext,
  { maxBodyBytes: maxBytes, bodyBudget: budget, bodyIdleSeconds: idleSeconds }: BodyServices,
): Promise<JsonBody> {
  refuseOtherForms(c)
  const scan = createJsonScan(LIMITS)
  const onBytes = (arrived: Buffer, end: number): void => {
    const limit = scan.advance(arrived, end)
    if (limit !== null) throw beyond(limit)
  }
  const { bytes, reservation } = await readBody(c, { maxBytes, budget, idleSeconds, onBytes })
  c.get('record').bytes = bytes.byteLength
  const outlined = scan.outline(bytes)
  if (outlined.byteLength > SMALL_BYTES) await shareLoop()
  const outline = parse(outlined, bytes, scan)
  return {
    bytes,
    reservation,
    outline,
    longStrings: scan.longStrings,
    longText(text) {
      const found = scan.find(text)
      return found === null ? null : { bytes, from: found.open + 1, to: found.close }
    },
    repeatedName: () => repeatedName(outlined),
  }
}

function refuseOtherForms(c: GatewayContext): void {
  const type = c.req.header('content-type') ?? ''
  const encoding = c.req.header('content-encoding') ?? 'identity'
  if (encoding !== 'identity') {
    throw new GatewayError('unsupported_media_type', `The body is ${encoding}-encoded. Send it uncompressed.`)
  }
  // A page of any site may send the forms of HTML, and text, without asking first. What declares nothing is no page's.
  if (type !== '' && !JSON_TYPE.test(type)) {
    throw new GatewayError(
      'unsupported_media_type',
      `The body is declared as ${type.split(';', 1)[0]?.slice(0, 100)}. Send JSON, with the header "Content-Type: application/json"; documents are base64 data URLs in it.`,
    )
  }
}

const JSON_TYPE = /^\s*(?:application|text)\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i

const utf8 = new TextDecoder('utf-8', { fatal: true })

const tooDeep = () =>
  new GatewayError('invalid_json', `The request body is nested more than ${LIMITS.levels} levels deep.`)

const names: Readonly<Record<Exclude<JsonLimit, 'levels'>, string>> = {
  containers: 'objects and arrays',
  strings: 'strings and names',
  values: 'values',
  outlineBytes: 'bytes beside its long strings',
}

function beyond(limit: JsonLimit): GatewayError {
  if (limit === 'levels') return tooDeep()
  return new GatewayError(
    'body_too_large',
    `The request body holds more than ${LIMITS[limit]} ${names[limit]}. Send less at a time.`,
  )
}

/** Parses an outline. */
function parse(outlined: Buffer, bytes: Buffer, scan: JsonScan): unknown {
  try {
    return JSON.parse(utf8.decode(outlined))
  } catch (cause) {
    const error = new GatewayError('invalid_json', `The request body is not valid JSON${hint(outlined, cause, scan)}.`)
    freeMemory(bytes)
    throw error
  }
}

// V8's message quotes the text around the fault, which may be a document's: only the position is passed on.
function hint(outlined: Buffer, cause: unknown, scan: JsonScan): string {
  if (outlined.byteLength === 0) return ': it is empty'
  if (!(cause instanceof SyntaxError)) return ': it is not UTF-8'
  const position = /at position (\d+)/.exec(cause.message)?.[1]
  if (position === undefined) return ''
  const byte = Buffer.byteLength(utf8.decode(outlined).slice(0, Number(position)))
  return `, at byte ${scan.placeOf(byte)}`
}

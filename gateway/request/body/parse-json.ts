import { GatewayError } from '../../errors.ts'
import { shareLoop } from '../../schedule/loop-share.ts'
import type { RequestBody } from '../context.ts'
import { freeMemory } from './free-memory.ts'
import { createJsonScan, type JsonLimit, type JsonLimits, type JsonScan, type LongString } from './json-scan.ts'
import { repeatedName } from './repeated-name.ts'

/** A JSON text: its bytes as they came, and what they say. */
export interface ParsedJson extends RequestBody {
  readonly bytes: Buffer
  /** Where its long strings stand. */
  readonly longStrings: readonly LongString[]
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
  strings: 100_000,
  values: 1_000_000,
  outlineBytes: 16 * 1024 * 1024,
}

/** Starts a look at a body, which may not have arrived whole. */
export const startScan = (): JsonScan => createJsonScan(LIMITS)

/**
 * Parses a body whose bytes a scan has seen, but for its long strings. Throws `invalid_json`; the memory of the bytes is then
 * given back.
 */
export async function parseJson(bytes: Buffer, scan: JsonScan): Promise<ParsedJson> {
  const outlined = scan.outline(bytes)
  if (outlined.byteLength > SMALL_BYTES) await shareLoop()
  const outline = parse(outlined, bytes, scan)
  return {
    bytes,
    outline,
    longStrings: scan.longStrings,
    longText(text) {
      const found = scan.find(text)
      return found === null ? null : { bytes, from: found.open + 1, to: found.close }
    },
    repeatedName: () => repeatedName(outlined),
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

const tooDeep = () =>
  new GatewayError('invalid_json', `The request body is nested more than ${LIMITS.levels} levels deep.`)

const names: Readonly<Record<Exclude<JsonLimit, 'levels'>, string>> = {
  containers: 'objects and arrays',
  strings: 'strings and names',
  values: 'values',
  outlineBytes: 'bytes beside its long strings',
}

/** Throws `body_too_large`, or `invalid_json`, for a text that is beyond a limit. */
export function refuseBeyond(limit: JsonLimit | null): void {
  if (limit !== null) throw beyond(limit)
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

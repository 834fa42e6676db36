import { GatewayError } from '../errors.ts'
import { parseJson, refuseBeyond, startScan, type ParsedJson } from '../request/body/parse-json.ts'
import type { ByteBudget, Reservation } from '../schedule/byte-budget.ts'
import type { GatewayContext } from './context.ts'
import { readBody } from './read-body.ts'

/** A request body: its bytes as they came, and what they say. */
export interface JsonBody extends ParsedJson {
  /** The memory that it takes of what all bodies may take; released when the request ends. */
  readonly reservation: Reservation
}

/** The services and limits of bodies. */
export interface BodyServices {
  readonly maxBodyBytes: number
  readonly bodyBudget: ByteBudget
  readonly bodyIdleSeconds: number
}

/** Reads a JSON body. Throws what `readBody` throws, and `invalid_json`; `body_too_large` for one that holds too much. */
export async function readJson(
  c: GatewayContext,
  { maxBodyBytes: maxBytes, bodyBudget: budget, bodyIdleSeconds: idleSeconds }: BodyServices,
): Promise<JsonBody> {
  refuseOtherForms(c)
  const scan = startScan()
  const onBytes = (arrived: Buffer, end: number): void => refuseBeyond(scan.advance(arrived, end))
  const { bytes, reservation } = await readBody(c, { maxBytes, budget, idleSeconds, onBytes })
  c.get('record').bytes = bytes.byteLength
  return { ...(await parseJson(bytes, scan)), reservation }
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

import { GatewayError } from '../errors.ts'
import type { FileFacts } from '../files/stored-file.ts'
import { plainName } from '../page/plain-name.ts'
import { expiresAfter, filePurpose } from '../wire/openai/file.ts'
import { completeRequest, uploadRequest } from '../wire/openai/upload.ts'
import { check } from './check.ts'

/** What a client wants of a file that it uploads. */
export type FileWishes = Pick<FileFacts, 'purpose' | 'seconds'>

/** What a client says of a file that will come in parts. */
export interface UploadWishes extends FileFacts {
  readonly bytes: number
}

/** Mistral's clients may leave it out, and read what they upload. */
const DEFAULT_PURPOSE = 'ocr'
const HOUR = 3600
const MAX_NAME_LENGTH = 255

/** Reads the fields of a form that brings a file. Throws `invalid_value`. Those that are not known do not count. */
export function readFileWishes(fields: ReadonlyMap<string, string>): FileWishes {
  const purpose = check(filePurpose.optional(), fields.get('purpose')?.trim() || undefined, 'purpose')
  return { purpose: purpose ?? DEFAULT_PURPOSE, seconds: secondsIn(fields) }
}

/** OpenAI's clients send two fields, Mistral's one with hours. */
function secondsIn(fields: ReadonlyMap<string, string>): number | null {
  const given = (name: string): string | undefined => fields.get(name)?.trim() || undefined
  const [anchor, seconds, hours] = ['expires_after[anchor]', 'expires_after[seconds]', 'expiry'].map(given)
  // The anchor mostly comes first, and is looked at as it comes.
  if (anchor !== undefined) check(expiresAfter.shape.anchor, anchor, 'expires_after.anchor')
  if (seconds !== undefined) return check(expiresAfter, { seconds }, 'expires_after').seconds
  return hours === undefined ? null : hoursIn(hours, MAX_KEPT_HOURS) * HOUR
}

/** Reads the body of `POST /v1/uploads`. Throws `invalid_value`. */
export function readUploadWishes(body: unknown): UploadWishes {
  const { bytes, filename, mime_type, purpose, expires_after } = check(uploadRequest, body, '')
  return {
    bytes,
    filename: fileName(filename),
    mediaType: mediaTypeOf(mime_type ?? null),
    purpose: purpose ?? DEFAULT_PURPOSE,
    seconds: expires_after?.seconds ?? null,
  }
}

/** Reads the body of `POST /v1/uploads/{id}/complete`. Throws `invalid_value`. */
export function readCompletion(body: unknown): { readonly partIds: readonly string[]; readonly md5: string | null } {
  const { part_ids, md5 } = check(completeRequest, body, '')
  return { partIds: part_ids, md5: md5 === undefined || md5 === '' ? null : md5 }
}

/** Returns the name of a file without its folders, fit for one line. */
export function fileName(given: string | null): string {
  return plainName(given?.split(/[/\\]/).at(-1) ?? '', MAX_NAME_LENGTH) ?? 'file'
}

/** Returns what a client says that a file is; null where it says nothing. */
export function mediaTypeOf(declared: string | null): string | null {
  const type = declared?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return /^[\w.+-]{1,60}\/[\w.+-]{1,100}$/.test(type) && type !== 'application/octet-stream' ? type : null
}

/** Returns for how many hours a signed address is asked for. Throws `invalid_value`. */
export function readExpiry(text: string | undefined): number {
  return text === undefined || text === '' ? DEFAULT_HOURS : hoursIn(text, MAX_HOURS)
}

/** As Mistral has it. */
const DEFAULT_HOURS = 24
const MAX_HOURS = 168
/** As OpenAI has it, in seconds. */
const MAX_KEPT_HOURS = 720

function hoursIn(text: string, most: number): number {
  const hours = /^\d{1,6}$/.test(text) ? Number(text) : NaN
  if (hours >= 1 && hours <= most) return hours
  throw new GatewayError('invalid_value', `expiry: expected a number of hours, 1 to ${most}.`, { param: 'expiry' })
}

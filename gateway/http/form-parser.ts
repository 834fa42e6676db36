import { Busboy, type BusboyHeaders } from '@fastify/busboy'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { GatewayError } from '../errors.ts'

/** How much a form may hold. */
export interface FormLimits {
  readonly files: number
  readonly fields: number
  /** Of one field's value. */
  readonly fieldBytes: number
  /** Of one file. */
  readonly fileBytes: number
  /** Says that a file is larger. */
  readonly tooLarge: (field: string) => GatewayError
}

/** What is said of a file in front of its bytes. */
export interface FormFile {
  /** The form's field. */
  readonly field: string
  readonly filename: string | null
  readonly mediaType: string | null
}

/** What is done with the parts of a form, in the order in which they come. */
export interface FormHandlers {
  readonly onField: (name: string, value: string) => unknown
  /** Takes a file's bytes; the form is read on as fast as they are taken. What it throws refuses the form. */
  readonly onFile: (file: FormFile, bytes: Readable) => Promise<void>
}

/** Parses a form whose bytes are written to it. */
export interface FormParser {
  /** Resolves when it can take more. Throws what refuses the form. */
  write(bytes: Buffer): Promise<void>
  /** Resolves when all files were taken. Throws what refuses the form. */
  end(): Promise<void>
  /** Refuses the form, and resolves when nobody is at its files any more. */
  fail(error: Error): Promise<void>
  /** Rejects with what refuses the form, whoever writes to it or not. */
  readonly failed: Promise<never>
}

const NAME_BYTES = 200
const HEADERS_OF_PART = 100
/** Fields whose part is a file even where it says so in no way: no name, and no type of its own. */
const FILE_FIELDS: ReadonlySet<string | undefined> = new Set(['file', 'data'])

/** Creates the parser of a form. Throws `invalid_value` for a type without a boundary. */
export function createFormParser(contentType: string, limits: FormLimits, handlers: FormHandlers): FormParser {
  const busboy = createBusboy(contentType, limits)
  const failure = Promise.withResolvers<never>()
  // Whoever waits for something else hears of it there.
  failure.promise.catch(() => {})
  const taken: Promise<void>[] = []
  const open = new Set<Readable>()
  let reason: Error | null = null
  const refuse = (error: Error): void => {
    if (reason !== null) return
    reason = error
    failure.reject(error)
    for (const stream of open) stream.destroy(error)
  }
  busboy.on('file', (field, stream, filename, _, mediaType) => {
    open.add(stream)
    stream.once('close', () => open.delete(stream))
    stream.on('limit', () => refuse(limits.tooLarge(field)))
    // Its own trouble the parser tells for itself, too; what becomes of who takes it is told below.
    stream.on('error', () => {})
    const facts = { field, filename: unescapedName(filename), mediaType: mediaType ?? null }
    taken.push(handlers.onFile(facts, stream).catch((error: Error) => refuse(error)))
    if (reason !== null) stream.destroy(reason)
  })
  busboy.on('field', (name, value, _, isCut) => {
    if (isCut) return refuse(brokenForm(`its field ${JSON.stringify(name.slice(0, 100))} is too long`))
    attempt(() => handlers.onField(name, value), refuse)
  })
  busboy.on('filesLimit', () => refuse(brokenForm('it has several files; send one at a time')))
  for (const event of ['fieldsLimit', 'partsLimit'] as const) {
    busboy.on(event, () => refuse(brokenForm('it has too many fields')))
  }
  busboy.on('error', (error) => refuse(known(error as Error)))
  const finished = once(busboy, 'finish')
  finished.catch(() => {})
  const settled = async (): Promise<void> => void (await Promise.all(taken))
  return {
    failed: failure.promise,
    async write(bytes) {
      if (reason === null && !busboy.write(bytes)) await Promise.race([once(busboy, 'drain'), failure.promise])
      if (reason !== null) await failure.promise
    },
    async end() {
      busboy.end()
      await Promise.race([finished, failure.promise])
      await settled()
      if (reason !== null) await failure.promise
      busboy.destroy()
    },
    async fail(error) {
      refuse(error)
      busboy.destroy()
      await settled()
    },
  }
}

function createBusboy(contentType: string, { files, fields, fieldBytes, fileBytes }: FormLimits) {
  const headers: BusboyHeaders = { 'content-type': contentType }
  const parts = files + fields
  try {
    return new Busboy({
      headers,
      limits: {
        files,
        fields,
        parts,
        fieldSize: fieldBytes,
        fileSize: fileBytes,
        fieldNameSize: NAME_BYTES,
        headerPairs: HEADERS_OF_PART,
      },
      isPartAFile: (field, type, filename) =>
        filename !== undefined || type === 'application/octet-stream' || FILE_FIELDS.has(field),
    })
  } catch (cause) {
    throw brokenForm('its Content-Type has no boundary', cause)
  }
}

function attempt(work: () => unknown, onError: (error: Error) => void): void {
  try {
    work()
  } catch (error) {
    onError(error as Error)
  }
}

function known(error: Error): Error {
  return error instanceof GatewayError ? error : brokenForm('it is no multipart form, or breaks off', error)
}

/**
 * Browsers, and clients that do as they do, escape three letters of a file's name, and no other. aiohttp escapes all that
 * are no plain ASCII, and then the name has no others.
 */
function unescapedName(name: string | undefined): string | null {
  if (name === undefined || name === '') return null
  const isEscaped = /^[\x21-\x7e]+$/.test(name) && /%[89a-f][0-9a-f]/i.test(name)
  const letters = /%(22|0D|0A)/gi
  return (
    (isEscaped ? decoded(name) : null) ??
    name.replaceAll(letters, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
  )
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** Returns the refusal of a form that cannot be read. */
function brokenForm(problem: string, cause?: unknown): GatewayError {
  return new GatewayError(
    'invalid_value',
    `The form cannot be read: ${problem}. Send multipart/form-data with one file in it.`,
    { cause },
  )
}

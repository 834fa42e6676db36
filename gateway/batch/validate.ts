import { createHash } from 'node:crypto'
import type { Access } from '../access/access.ts'
import type { Caller } from '../access/caller.ts'
import { GatewayError } from '../errors.ts'
import type { BlobStore } from '../files/blob-store.ts'
import type { FileStore } from '../files/file-store.ts'
import { refuseBeyond, startScan } from '../request/body/parse-json.ts'
import { customIdOf, readBatchLine } from '../request/batch.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import { shareLoop } from '../schedule/loop-share.ts'
import { NO_USAGE, type Batch, type BatchProblem } from './batch.ts'
import { indexPieces, type IndexedLine, type LineProblem } from './line-index.ts'
import { indexName } from './names.ts'
import { readLines, type ReadLine } from './read-lines.ts'
import type { LineEnd } from './store.ts'

/** What a batch's input is looked at with. */
export interface ValidationServices {
  readonly files: Pick<FileStore, 'find' | 'open'>
  readonly blobs: BlobStore
  /** Throws `model_not_found`, and `engine_unavailable` where that is not known. */
  readonly findModel: (name: string, signal: AbortSignal, caller: Caller) => Promise<ServedModel>
  readonly access: Pick<Access, 'owner'>
}

/** What was found in a batch's input. */
export interface Validation {
  /** How many requests it has, those that are wrong included. */
  readonly lines: number
  /** Those that are wrong. */
  readonly ends: ReadonlyMap<number, LineEnd>
  /** The first of what is wrong. */
  readonly problems: readonly BatchProblem[]
  /** Null where they name several, or none. */
  readonly model: string | null
}

/** As OpenAI has it. */
const MAX_LINES = 50_000
/** A list of more helps nobody; each wrong line is in the error file, too. */
const MAX_PROBLEMS = 100
/** So many names of models are looked for, and the others when their lines are run. */
const MAX_MODELS = 50

/** What is known while the lines are read. */
interface Findings {
  readonly caller: Caller
  lines: number
  /** What was found of the ids so far: the ids themselves may be long. */
  readonly ids: Set<string>
  readonly ends: Map<number, LineEnd>
  readonly problems: BatchProblem[]
  /** By name: why it cannot be asked for; null: it can. */
  readonly models: Map<string, LineProblem | null>
  hasNamedNone: boolean
}

/**
 * Reads a batch's input as a stream, and writes the index of its lines. Throws `file_not_found`, and `invalid_value` for an
 * input that has no lines or too many.
 */
export async function validate(batch: Batch, services: ValidationServices, signal: AbortSignal): Promise<Validation> {
  const { files, blobs } = services
  // Before the input is open, which nobody would close.
  const caller = await services.access.owner(batch.owner)
  const file = await files.find(batch.owner, batch.inputFileId, 'input_file_id')
  const { blob } = await files.open(file, 'input_file_id')
  const stream = blob.stream()
  const findings: Findings = {
    caller,
    lines: 0,
    ids: new Set(),
    ends: new Map(),
    problems: [],
    models: new Map(),
    hasNamedNone: false,
  }
  const lines = checkedLines(readLines(stream as AsyncIterable<Uint8Array>), batch, findings, services, signal)
  try {
    await blobs.write(indexName(batch.id), indexPieces(lines), () => {})
  } finally {
    // Where nothing could be written, nobody has read from it.
    stream.destroy()
  }
  if (findings.lines === 0) throw empty()
  const { lines: count, ends, problems, models, hasNamedNone } = findings
  const [model, another] = models.keys()
  return { lines: count, ends, problems, model: another === undefined && !hasNamedNone ? (model ?? null) : null }
}

async function* checkedLines(
  lines: AsyncIterable<ReadLine>,
  batch: Batch,
  findings: Findings,
  services: ValidationServices,
  signal: AbortSignal,
): AsyncGenerator<IndexedLine, void, undefined> {
  for await (const line of lines) {
    signal.throwIfAborted()
    if (findings.lines >= MAX_LINES) throw tooMany()
    const { customId, problem } = await checkLine(line, batch, findings, services, signal)
    if (problem !== null) {
      findings.ends.set(findings.lines, { outcome: 'failed', usage: NO_USAGE })
      if (findings.problems.length < MAX_PROBLEMS) findings.problems.push({ ...problem, line: line.number })
    }
    findings.lines += 1
    yield { offset: line.offset, length: line.length, customId, problem }
    await shareLoop()
  }
}

async function checkLine(
  { digest }: ReadLine,
  { endpoint }: Batch,
  findings: Findings,
  services: ValidationServices,
  signal: AbortSignal,
): Promise<Pick<IndexedLine, 'customId' | 'problem'>> {
  let customId: string | null = null
  try {
    const outline = parsed(digest)
    customId = customIdOf(outline)
    refuseRepeated(customId, findings)
    const { model } = readBatchLine(outline, endpoint)
    // Any name that is not served means the default there.
    const problem = endpoint === '/v1/ocr' ? null : await modelProblem(model, findings, services, signal)
    return { customId, problem }
  } catch (error) {
    if (error instanceof GatewayError) return { customId, problem: problemOf(error) }
    throw error
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function parsed(digest: Buffer | null): unknown {
  if (digest === null) throw tooLong()
  refuseBeyond(startScan().advance(digest, digest.length))
  try {
    return JSON.parse(utf8.decode(digest))
  } catch {
    throw new GatewayError('invalid_json', 'The line is not valid JSON. Each line is one request, as one JSON object.')
  }
}

function refuseRepeated(customId: string | null, { ids }: Findings): void {
  if (customId === null) return
  // In UTF-8, ids that differ in half a character are the same.
  const hash = createHash('sha1').update(customId, 'utf16le').digest('base64')
  if (ids.has(hash)) throw repeated(customId)
  ids.add(hash)
}

async function modelProblem(
  name: string | null,
  findings: Findings,
  { findModel }: ValidationServices,
  signal: AbortSignal,
): Promise<LineProblem | null> {
  const { models } = findings
  if (name === null) findings.hasNamedNone = true
  if (name === null || (!models.has(name) && models.size >= MAX_MODELS)) return null
  const known = models.get(name)
  if (known !== undefined) return known
  const problem = await findModel(name, signal, findings.caller).then(
    () => null,
    (error: unknown) => {
      signal.throwIfAborted()
      // One that is not served now may be when its lines are run.
      return error instanceof GatewayError && error.code === 'model_not_found' ? problemOf(error) : null
    },
  )
  models.set(name, problem)
  return problem
}

function problemOf({ code, message, param }: GatewayError): LineProblem {
  return { code, message, param: param === 'model' ? 'body.model' : param }
}

function repeated(customId: string): GatewayError {
  return new GatewayError(
    'invalid_value',
    `custom_id: ${JSON.stringify(customId)} stands in an earlier line, too. Each line needs one of its own.`,
    { param: 'custom_id' },
  )
}

const tooLong = (): GatewayError =>
  new GatewayError('body_too_large', 'The line holds more than 16 MiB beside its long strings. Send less in a line.')

function empty(): GatewayError {
  const message = 'The input file has no requests. Each line of it is one, as a JSON object.'
  return new GatewayError('invalid_value', message, { param: 'input_file_id' })
}

function tooMany(): GatewayError {
  return new GatewayError('invalid_value', `A batch has at most ${MAX_LINES} requests. Split the input file.`, {
    param: 'input_file_id',
  })
}

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ocrOptions, type OcrOptionsObject } from '../wire/openai/ocr-options.ts'
import { CommandError, EXIT } from './say.ts'

/** The options of the command as commander leaves them. */
export interface GivenOptions {
  readonly out?: string
  readonly output?: 'markdown' | 'text' | 'json'
  readonly json?: boolean
  readonly pages?: string
  readonly task?: string
  readonly model: string
  readonly prepare?: string
  readonly tables?: 'markdown' | 'html'
  readonly figures?: 'reference' | 'embed' | 'drop'
  readonly join?: boolean
  readonly headers?: 'keep' | 'strip' | 'separate'
  readonly footers?: 'keep' | 'strip' | 'separate'
  readonly ocr?: string
  readonly password?: string
  readonly passwordFile?: string
  readonly baseUrl?: string
  readonly concurrency?: number
  readonly serviceTier?: 'default' | 'flex'
  readonly resume: boolean
  readonly retryFailed?: boolean
  readonly dryRun?: boolean
  readonly watch?: boolean
  readonly quiet?: boolean
}

/** What is asked of the gateway for each document. */
export interface Question {
  readonly model: string
  readonly ocr: OcrOptionsObject
  readonly serviceTier: 'default' | 'flex'
  /** Of everything that changes an answer. */
  readonly hash: string
  /** Whether the user has said what becomes of pictures. */
  readonly figuresAreAsked?: boolean
}

/** The ways to prepare pages, as `--prepare` takes them. */
export const preparations = Object.keys(ocrOptions.shape.prepare.unwrap().shape)

/** Reads the options that say what is asked for. Throws a CommandError that says which of them is wrong. */
export function readQuestion(given: GivenOptions, env: NodeJS.ProcessEnv, isOne: boolean): Question {
  const password = readPassword(given, env)
  const ocr: OcrOptionsObject = {
    ...parseOcr(given.ocr),
    ...(given.pages === undefined ? {} : { pages: given.pages }),
    ...(given.task === undefined ? {} : { task: given.task }),
    ...(given.output === undefined ? {} : { output: given.output }),
    ...(given.prepare === undefined ? {} : { prepare: parsePrepare(given.prepare) }),
    ...(given.tables === undefined ? {} : { tables: given.tables }),
    ...(given.figures === undefined ? {} : { figures: given.figures }),
    ...(given.join === true ? { join: true } : {}),
    ...(given.headers === undefined ? {} : { headers: given.headers }),
    ...(given.footers === undefined ? {} : { footers: given.footers }),
    ...(given.dryRun === true ? { dry_run: true } : {}),
  }
  // How a document is unlocked changes nothing of its text, and is nobody's business.
  const { dry_run: _dry, password: _password, cache: _cache, ...meaning } = ocr
  const hash = hashOf([given.model, meaning, given.json === true])
  const serviceTier = given.serviceTier ?? (isOne ? 'default' : 'flex')
  const asked = { ...(wantsFigures(given, ocr) ? { figures: 'reference' as const } : {}), ...ocr }
  const figuresAreAsked = ocr.figures !== undefined
  return {
    model: given.model,
    ocr: password === null ? asked : { ...asked, password },
    serviceTier,
    hash,
    figuresAreAsked,
  }
}

/**
 * Pictures are written beside a text without being asked for. That is no part of the hash: what was read before that was so
 * stays done. Throws a usage error where they are asked for and have no place.
 */
function wantsFigures({ out, json, dryRun }: GivenOptions, { figures, output }: OcrOptionsObject): boolean {
  if (figures === 'reference' && out === undefined && json !== true && dryRun !== true)
    throw usage(
      '--figures reference needs --out, where pictures are written beside the text, or --json, which holds them',
    )
  return figures === undefined && out !== undefined && output !== 'text' && dryRun !== true
}

function hashOf(value: unknown): string {
  const sorted = JSON.stringify(value, (_, each: unknown) =>
    each !== null && typeof each === 'object' && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  )
  return createHash('sha256').update(sorted).digest('hex').slice(0, 16)
}

/** The gateway checks what is in it: it may know more than this version. */
function parseOcr(text: string | undefined): OcrOptionsObject {
  if (text === undefined) return {}
  try {
    const parsed: unknown = JSON.parse(text)
    if (parsed !== null && typeof parsed === 'object' && !Array.isArray(parsed)) return parsed
  } catch {
    // Said below.
  }
  throw usage(`--ocr must be a JSON object, such as '{"page_separator": "\\n"}'`)
}

function parsePrepare(text: string): NonNullable<OcrOptionsObject['prepare']> {
  const ways = text.split(',').map((way) => way.trim())
  const unknown = ways.find((way) => !preparations.includes(way))
  if (unknown !== undefined) {
    throw usage(`--prepare takes some of ${preparations.join(', ')}, with commas between them, and not "${unknown}"`)
  }
  return Object.fromEntries(ways.map((way) => [way, way === 'resolution' ? 'auto' : true]))
}

function readPassword({ password, passwordFile }: GivenOptions, env: NodeJS.ProcessEnv): string | null {
  if (password !== undefined && passwordFile !== undefined)
    throw usage('--password and --password-file cannot both be given')
  if (password !== undefined) return password
  if (passwordFile === undefined) return env['OCR_PASSWORD'] || null
  try {
    return readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw usage(`--password-file cannot be read: ${(error as Error).message}`)
  }
}

/** A wrong use of the command. */
export function usage(message: string): CommandError {
  return new CommandError(EXIT.usage, message)
}

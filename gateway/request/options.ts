import { GatewayError } from '../errors.ts'
import type { Preparation } from '../page/preparation.ts'
import type { Turn } from '../schedule/turn.ts'
import type { FigureMarks, JoinWish, OcrRequest, RunningLines } from './ocr-request.ts'

/** How a client wants its documents read, in the gateway's own names: each protocol maps its names onto these. */
export interface OcrOptions extends Pick<
  OcrRequest,
  | 'output'
  | 'chunkTokens'
  | 'pageSeparator'
  | 'preparation'
  | 'onPageError'
  | 'onDeadline'
  | 'cache'
  | 'confidence'
  | 'dryRun'
  | 'preview'
  | 'tables'
> {
  /** `1-3,7,10-`, 1-based; null: all. */
  readonly pages: string | null
  /** Null: the task whose prompt is the user's text, else `document`. */
  readonly task: string | null
  /** What the task `extract` is to find: names, or a JSON schema. */
  readonly fields: string[] | Readonly<Record<string, unknown>> | null
  /** How sure the model must be of each value that the task `extract` finds, 0 to 1; null: any value will do. */
  readonly minConfidence: number | null
  /** The client parses the answer as JSON: of this schema, or of any; null: it does not say so. */
  readonly answerFormat: { readonly schema: Readonly<Record<string, unknown>> | null } | null
  /** Which of a conversation's documents are read: those of the last user message that has any, or of every message. */
  readonly documents: 'last' | 'all'
  /** What becomes of the pictures that the model marks; null: their marks stay as the model wrote them. */
  readonly figures: FigureMarks | null
  /** Whether what the end of a page has cut is joined: all of it, nothing, or some. */
  readonly join: boolean | Given<JoinWish>
  readonly headers: RunningLines
  readonly footers: RunningLines
  /** Asked once for a page that the model could not read; null: none. */
  readonly fallbackModel: string | null
  /** Reads each page too; true: one that the gateway chooses; null or false: none. */
  readonly verify: string | boolean | null
  /** The client has named the model `auto`. */
  readonly isAuto: boolean
  /** For an encrypted PDF. */
  readonly password: string | null
  readonly lane: Turn['lane']
  /** How long the client waits for a whole answer, in seconds from now; null: for as long as it takes. */
  readonly patienceSeconds: number | null
}

type Given<Options> = { readonly [Name in keyof Options]?: Options[Name] | undefined }

/** The options that a client gave; one that is left out or undefined has its default. */
export type GivenOptions = Given<Omit<OcrOptions, 'preparation'>> & {
  readonly preparation?: Given<Preparation> | undefined
}

/** The options that errors name, as a protocol calls them: `ocr.page_separator`. */
export type OptionNames = Readonly<
  Record<
    | 'task'
    | 'fields'
    | 'minConfidence'
    | 'output'
    | 'chunks'
    | 'pageSeparator'
    | 'documents'
    | 'figures'
    | 'answerFormat',
    string
  >
>

const defaults: OcrOptions = {
  pages: null,
  task: null,
  fields: null,
  minConfidence: null,
  output: 'markdown',
  chunkTokens: null,
  pageSeparator: '\n\n---\n\n',
  preparation: {},
  onPageError: 'mark',
  onDeadline: 'fail',
  cache: 'use',
  confidence: false,
  dryRun: false,
  preview: false,
  answerFormat: null,
  documents: 'last',
  tables: null,
  figures: null,
  join: false,
  headers: 'keep',
  footers: 'keep',
  fallbackModel: null,
  verify: null,
  isAuto: false,
  password: null,
  lane: 'interactive',
  patienceSeconds: null,
}

/** Completes options with their defaults. Throws `invalid_value` for options that exclude each other. */
export function completeOptions(given: GivenOptions, names: OptionNames): OcrOptions {
  if (given.output === 'json' && given.pageSeparator !== undefined) {
    throw new GatewayError(
      'invalid_value',
      `With ${names.output} "json" the pages are elements of an array; leave ${names.pageSeparator} out.`,
      { param: names.pageSeparator },
    )
  }
  if (given.chunkTokens !== undefined) checkChunks(given, names)
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { ...defaults, ...said, preparation: chosen(given.preparation ?? {}) }
}

/** Chunks are parts of a JSON object's pages, and embed text alone. */
function checkChunks({ output, figures }: GivenOptions, names: OptionNames): void {
  const { chunks: param } = names
  if (output !== 'json') {
    const message = `${param} are a part of the JSON object that ${names.output} "json" answers with; ask for that, or leave ${param} out.`
    throw new GatewayError('invalid_value', message, { param })
  }
  if (figures !== 'embed') return
  const message = `${param} would hold the bytes of pictures with ${names.figures} "embed"; use "reference" or "drop".`
  throw new GatewayError('invalid_value', message, { param })
}

/**
 * Keeps only what was asked for: `rotate: false` means the same as no `rotate`, and must not change the page key.
 * `tile: false` is a wish of its own.
 */
function chosen(preparation: Given<Preparation>): Preparation {
  return Object.fromEntries(
    Object.entries(preparation).filter(([name, value]) => value !== undefined && (value !== false || name === 'tile')),
  )
}

import { randomUUID } from 'node:crypto'
import type { Source } from '../document/source.ts'
import { ocrPages, parsePageRange, type PageNaming } from '../page/page-range.ts'
import type { OcrModel } from '../profile/question.ts'
import type { RequestContext } from './context.ts'
import { figureWish } from './figures.ts'
import { joinWish } from './join.ts'
import type { OcrRequest, Warning } from './ocr-request.ts'
import type { OcrOptions, OptionNames } from './options.ts'
import { ignoredTables } from './tables.ts'
import { routesOf, type FoundModels } from './routes.ts'
import { chooseTask } from './task.ts'

/** What a protocol has read from a body. */
export interface RequestParts {
  readonly model: OcrModel
  readonly sources: readonly Source[]
  /** The client's text beside its documents, trimmed; empty when there is none. */
  readonly userText: string
  /** How many documents of earlier messages are not read; left out: none. */
  readonly leftOut?: number
  readonly options: OcrOptions
  readonly names: OptionNames
  /** The models that it names beside its own; left out: none. */
  readonly others?: FoundModels
  /** Left out: as in the `ocr` object. */
  readonly pageNaming?: PageNaming
}

const NO_OTHERS: FoundModels = { fallback: null, referee: null }

/** What of its context a request keeps. */
type Asker = Pick<RequestContext, 'requestId' | 'key' | 'span' | 'onDisconnect'>

/**
 * Creates the request that the pipeline reads. Throws `invalid_value` for pages that are no range, and for a task that
 * the model lacks.
 */
export function createRequest(
  { model, sources, userText, leftOut = 0, options, names, others = NO_OTHERS, pageNaming = ocrPages }: RequestParts,
  { requestId, key, span, onDisconnect = 'abort' }: Asker,
): OcrRequest {
  const {
    pages,
    task,
    fields,
    minConfidence,
    figures,
    join,
    headers,
    footers,
    password: _,
    documents,
    answerFormat,
    chunkTokens,
    lane,
    patienceSeconds,
    fallbackModel: _fallback,
    verify: _verify,
    isAuto: _isAuto,
    ...sameNames
  } = options
  const range = pages === null ? null : parsePageRange(pages)
  const { output } = sameNames
  const asked = { task, fields, minConfidence, output, answerFormat }
  const { warnings: ofTask, ...chosen } = chooseTask(model, asked, userText, names)
  const main = { model, chosen, options: { ...asked, confidence: sameNames.confidence }, userText, names }
  const { wish, ignored } = figureWish(figures, model, { ...chosen, output }, names)
  const joined = joinWish({ join, headers, footers }, chosen)
  const ofTables = ignoredTables(options.tables, { ...chosen, output })
  const hasChunks = chunkTokens != null && !chosen.answersJson
  const ofChunks = chunkTokens == null || hasChunks ? [] : [noChunks(chosen.task, names)]
  const warnings = [...ofTask, ...ignored, ...joined.ignored, ...ofTables, ...ofChunks]
  return {
    id: requestId,
    span,
    model,
    sources,
    pages: range,
    pageNaming,
    ...chosen,
    ...sameNames,
    onDisconnect,
    parsesContent: answerFormat !== null,
    figures: wish,
    ...joined.wish,
    routes: routesOf(main, others),
    chunkTokens: hasChunks ? chunkTokens : null,
    turn: { lane, key: key ?? '', request: randomUUID() },
    deadline: patienceSeconds === null ? null : performance.now() + patienceSeconds * 1000,
    warnings: leftOut > 0 && documents === 'last' ? [...warnings, notRead(leftOut, names)] : warnings,
  }
}

function noChunks(task: string, { chunks }: OptionNames): Warning {
  const message = `The option had no effect: ${chunks}: the task "${task}" answers with JSON.`
  return { code: 'option_ignored', message }
}

function notRead(count: number, { documents }: OptionNames): Warning {
  const what = count === 1 ? 'A document of another message was' : `${count} documents of other messages were`
  return {
    code: 'documents_not_read',
    message: `${what} not read: only those of the last user message that has any are. ${documents} "all" reads those of every message.`,
  }
}

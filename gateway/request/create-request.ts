import { randomUUID } from 'node:crypto'
import type { Source } from '../document/source.ts'
import { ocrPages, parsePageRange, type PageNaming } from '../page/page-range.ts'
import type { OcrModel } from '../profile/question.ts'
import type { RequestContext } from './context.ts'
import { figureWish } from './figures.ts'
import type { OcrRequest, Warning } from './ocr-request.ts'
import type { OcrOptions, OptionNames } from './options.ts'
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
  /** Left out: as in the `ocr` object. */
  readonly pageNaming?: PageNaming
}

/** What of its context a request keeps. */
type Asker = Pick<RequestContext, 'requestId' | 'key' | 'span' | 'onDisconnect'>

/**
 * Creates the request that the pipeline reads. Throws `invalid_value` for pages that are no range, and for a task that
 * the model lacks.
 */
export function createRequest(
  { model, sources, userText, leftOut = 0, options, names, pageNaming = ocrPages }: RequestParts,
  { requestId, key, span, onDisconnect = 'abort' }: Asker,
): OcrRequest {
  const {
    pages,
    task,
    fields,
    figures,
    password: _,
    documents,
    answerFormat,
    chunkTokens,
    lane,
    patienceSeconds,
    ...sameNames
  } = options
  const range = pages === null ? null : parsePageRange(pages)
  const { output } = sameNames
  const { warnings: ofTask, ...chosen } = chooseTask(model, { task, fields, output, answerFormat }, userText, names)
  const { wish, ignored } = figureWish(figures, model, { ...chosen, output }, names)
  const hasChunks = chunkTokens != null && !chosen.answersJson
  const warnings = [...ofTask, ...ignored, ...(chunkTokens == null || hasChunks ? [] : [noChunks(chosen.task, names)])]
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

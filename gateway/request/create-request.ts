import { randomUUID } from 'node:crypto'
import type { Source } from '../document/source.ts'
import { parsePageRange } from '../page/page-range.ts'
import type { OcrModel } from '../profile/question.ts'
import type { RequestContext } from './context.ts'
import type { OcrRequest } from './ocr-request.ts'
import type { OcrOptions, OptionNames } from './options.ts'
import { chooseTask } from './task.ts'

/** What a protocol has read from a body. */
export interface RequestParts {
  readonly model: OcrModel
  readonly sources: readonly Source[]
  /** The client's text beside its documents, trimmed; empty when there is none. */
  readonly userText: string
  readonly options: OcrOptions
  readonly names: OptionNames
}

/**
 * Creates the request that the pipeline reads. Throws `invalid_value` for pages that are no range, and for a task that
 * the model lacks.
 */
export function createRequest(
  { model, sources, userText, options, names }: RequestParts,
  { requestId, key }: Pick<RequestContext, 'requestId' | 'key'>,
): OcrRequest {
  const { pages, task, fields, password: _, lane, patienceSeconds, ...sameNames } = options
  return {
    id: requestId,
    model,
    sources,
    pages: pages === null ? null : parsePageRange(pages),
    ...chooseTask(model, { task, fields }, userText, names),
    ...sameNames,
    turn: { lane, key: key ?? '', request: randomUUID() },
    deadline: patienceSeconds === null ? null : performance.now() + patienceSeconds * 1000,
  }
}

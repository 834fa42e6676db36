import type { OcrModel, Question } from '../profile/question.ts'
import { createAttemptBudget } from '../read/attempt-budget.ts'
import type { AgreementLevel } from '../read/evidence/agreement-level.ts'
import type { PageToRead } from '../read/page-to-read.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { PageResult } from './page-event.ts'
import { questionKey, type CachePartition } from './page-key.ts'

/** A page as its request wants it read, and as another model, or another question, would have it. */
export interface PageOfDocument extends PageToRead {
  /** Returns the same page of the same document for another question: drawn, found and kept as that one asks. */
  readonly another: (asked: OcrRequest) => PageToRead
}

/** What all pages of a request share that are asked the same question. */
export type SharedByPages = Pick<PageToRead, 'question' | 'questionKey' | 'attemptBudget' | 'refreshedImages'>

/** Creates what pages share, for each question that a request comes to ask about its pages. */
export function createSharedByPages(pages: number, partition: CachePartition): (asked: OcrRequest) => SharedByPages {
  const shared = new Map<string, SharedByPages>()
  return (asked) => {
    // The request holds sources and their passwords, which are none of an engine's business.
    const { model, task, prompt, fields = null } = asked
    const confidence = asked.confidence || fields !== null
    const key = questionKey(asked, partition)
    const known = shared.get(`${key} ${confidence}`) ?? {
      question: { model, task, prompt, confidence },
      questionKey: key,
      attemptBudget: createAttemptBudget(pages),
      refreshedImages: new Set<string>(),
    }
    shared.set(`${key} ${confidence}`, known)
    return known
  }
}

/** Returns a document's level for another model: it judges by it, and does not change what the request's own model has shown. */
export function unchanged(level: AgreementLevel): AgreementLevel {
  return {
    get value() {
      return level.value
    },
    get pages() {
      return level.pages
    },
    note() {},
  }
}

/** Returns the request as another model is asked. Nothing that it reads goes on to a third one. */
export function requestOf(request: OcrRequest, question: Question): OcrRequest {
  return { ...request, ...question, preview: false, routes: null }
}

/** Returns the model whose text a page has: its request's own, or one that has read it instead. */
export function readerOf(request: Pick<OcrRequest, 'model' | 'routes'>, result: Pick<PageResult, 'model'>): OcrModel {
  return otherQuestion(request, result)?.model ?? request.model
}

/** Returns the request as the model was asked whose text a page has: the request itself, where that is its own. */
export function askedOf(request: OcrRequest, result: Pick<PageResult, 'model'>): OcrRequest {
  const other = otherQuestion(request, result)
  return other === null ? request : requestOf(request, other)
}

function otherQuestion({ routes }: Pick<OcrRequest, 'routes'>, { model }: Pick<PageResult, 'model'>): Question | null {
  if (model === undefined || routes == null) return null
  const others = [routes.fallback?.question, routes.easy?.tesseract]
  return others.find((question) => question?.model.id === model) ?? null
}

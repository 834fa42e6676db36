import { createHash } from 'node:crypto'
import type { OcrRequest } from '../request/ocr-request.ts'

/** Raised when the meaning of the keys' parts changes. */
const KEY_VERSION = 2

type Question = Pick<OcrRequest, 'model' | 'task' | 'prompt'>

/**
 * Returns the hash of everything that decides a page's raw text: the document's bytes, the page, how it is rasterized
 * and prepared, the model, its profile's version, the task, the prompt and the sampling. Clean-up and output form are
 * no part of it.
 */
export function pageKey(
  { preparation, ...question }: Question & Pick<OcrRequest, 'preparation'>,
  document: { readonly sha256: string },
  documentPage: number,
  rasterizationVersion: string,
): string {
  const { pixelBudget } = question.model.profile
  const prepared = Object.entries(preparation).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return hash([document.sha256, documentPage, [rasterizationVersion, pixelBudget, prepared], questionKey(question)])
}

/** Returns the hash of everything except the page image that decides a page's raw text. */
export function questionKey({ model, task, prompt }: Question): string {
  const { profile } = model
  return hash([
    [model.engine, model.id, model.root, model.parent],
    [profile.id, profile.version, profile.layout],
    [task, prompt],
    [profile.sampling, profile.ladder, profile.extraBody],
  ])
}

function hash(parts: readonly unknown[]): string {
  return createHash('sha256')
    .update(JSON.stringify([KEY_VERSION, ...parts]))
    .digest('hex')
}

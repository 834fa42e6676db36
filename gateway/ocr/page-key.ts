import { createHash } from 'node:crypto'
import type { OcrRequest } from '../request/ocr-request.ts'

/** Raised when the meaning of the key's parts changes. */
const KEY_VERSION = 1

/**
 * Returns the hash of everything that decides a page's raw text: the document's bytes, the page, how it is rasterized and prepared,
 * the model, its profile's version, the task, the prompt and the sampling. Clean-up and output form are no part of it.
 */
export function pageKey(
  { model, task, prompt, preparation }: Pick<OcrRequest, 'model' | 'task' | 'prompt' | 'preparation'>,
  document: { readonly sha256: string },
  documentPage: number,
  rasterizationVersion: string,
): string {
  const { profile } = model
  const parts = [
    KEY_VERSION,
    document.sha256,
    documentPage,
    [rasterizationVersion, profile.pixelBudget, Object.entries(preparation).toSorted(([a], [b]) => (a < b ? -1 : 1))],
    [model.engine, model.id, model.root, model.parent],
    [profile.id, profile.version, profile.layout],
    [task, prompt],
    [profile.sampling, profile.ladder, profile.extraBody],
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

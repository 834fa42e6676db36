import { hash as hashOf } from 'node:crypto'
import type { OcrRequest } from '../request/ocr-request.ts'

/** Raised when the meaning of the keys' parts changes. */
const KEY_VERSION = 2

/** Which requests find each other's answers in the cache. */
export interface CachePartition {
  /** Makes the keys differ from those of whoever does not know it; null: no salt. */
  readonly salt: string | null
  /** `key`: only requests with the same API key, by its name. */
  readonly scope: 'shared' | 'key'
}

type Question = Pick<OcrRequest, 'model' | 'task' | 'prompt' | 'turn'>

/**
 * Returns what hashes everything that decides a page's raw text: the document's bytes, what converted them, the page, how
 * it is rasterized and prepared, the model, its profile's version, the task, the prompt the sampling, and who may
 * find the answer. Clean-up and output form are no part of it. What a document's pages share is written once.
 */
export function pageKeys(
  { preparation, ...question }: Question & Pick<OcrRequest, 'preparation'>,
  document: { readonly sha256: string; readonly converter?: string | null },
  rasterizationVersion: string,
  partition: CachePartition,
): (documentPage: number) => string {
  const { pixelBudget } = question.model.profile
  const prepared = Object.entries(preparation).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const rasterized = [rasterizationVersion, pixelBudget, prepared]
  // Two conversions of one document differ in their bytes, so its pages are known by the original.
  const { sha256, converter = null } = document
  const content = converter === null ? sha256 : [sha256, converter]
  const before = JSON.stringify([KEY_VERSION, content]).slice(0, -1)
  const after = JSON.stringify([rasterized, questionKey(question, partition)]).slice(1)
  return (documentPage) => sha256Of(`${before},${documentPage},${after}`)
}

/**
 * Returns the hash of everything except the page image that decides a page's raw text, and of who may find the answer.
 * Page keys and image keys hold it, and so do flights and claims, which go by these keys.
 */
export function questionKey({ model, task, prompt, turn }: Question, { salt, scope }: CachePartition): string {
  const { profile } = model
  return hash([
    [model.engine, model.id, model.root, model.parent],
    [profile.id, profile.version, profile.layout],
    [task, prompt],
    [profile.sampling, profile.ladder, profile.extraBody],
    // Left out where there is neither: the answers that are kept stay hits.
    ...(salt === null && scope === 'shared' ? [] : [[salt, scope === 'key' ? turn.key : null]]),
  ])
}

function hash(parts: readonly unknown[]): string {
  return sha256Of(JSON.stringify([KEY_VERSION, ...parts]))
}

function sha256Of(text: string): string {
  return hashOf('sha256', text, 'hex')
}

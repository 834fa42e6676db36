import type { PageWarning } from '../../page/page.ts'
import { askedOf, type PageOfDocument } from '../another-reading.ts'
import type { FieldsWish } from '../../request/fields-schema.ts'
import type { OcrRequest } from '../../request/ocr-request.ts'
import { shareLoop } from '../../schedule/loop-share.ts'
import { readAgain, withCostOf, type AnotherReadingServices } from '../read-again.ts'
import type { PageResult } from '../page-event.ts'
import { confidencesOf } from './field-confidence.ts'
import { findFields, type FoundField, type FoundFields } from './find-fields.ts'
import { mend, type Mended } from './mend.ts'
import type { PageFacts } from './page-facts.ts'
import { readObject, type FoundObject } from './read-object.ts'
import type { SchemaThread } from './schema-thread.ts'
import { firstName } from './value-at.ts'

/** The services that look at the values of a page. */
export interface FieldServices extends AnotherReadingServices {
  /** Holds values against schemas; left out: no request has one. */
  readonly schemas?: SchemaThread
  /** Fires when nobody waits any longer for more than the page's own text; left out: never. */
  readonly hurry?: AbortSignal
  /** Called when the page has a text, and is only read again for its values; left out: nobody wants to know. */
  readonly onRead?: () => void
}

/** A page's answer as values. */
export interface LookedAt extends FoundObject {
  readonly found: FoundFields
  readonly confidences: PageFacts['confidences']
  /** Why values are wrong, by their JSON pointers; of a name whose value is cut or missing behind a cut, too. */
  readonly failures: ReadonlyMap<string, string>
}

/**
 * Looks at the values that a request wants of a page's answer. What is wrong, or was cut, is asked for once more, and what is
 * right then is taken from the second answer. It is asked of the model whose answer that is. A page whose answer is no object
 * stays as it is. Throws the signal's reason when aborted.
 */
export async function withFields(
  page: PageOfDocument,
  result: PageResult,
  request: OcrRequest,
  services: FieldServices,
  signal: AbortSignal,
): Promise<PageResult> {
  const known = result.surePieces === undefined ? result : withoutPieces(result)
  const { fields: wish = null } = request
  const { schemas } = services
  if (wish === null || schemas === undefined || !mayHoldValues(result)) return known
  const first = await look(result, wish, schemas, signal)
  if (first === null) return known
  const second = first.failures.size === 0 ? null : await askAgain(page, first, request, result, services, signal)
  const lookedAgain = second === null ? null : await look(second, wish, schemas, signal)
  const mended = mend(first, lookedAgain)
  const withCost = second === null ? known : { ...known, ...withCostOf(known, second) }
  return { ...withCost, ...described(first, mended, result, wish) }
}

function withoutPieces(result: PageResult): PageResult {
  const { surePieces: _, ...known } = result
  return known
}

/** An answer that was cut holds values; of a page that an engine went away from, more may be known later. */
function mayHoldValues({ blank, isFallback, text, error, finishReason }: PageResult): boolean {
  if (blank || isFallback || text === '') return false
  return error === null || finishReason === 'length' || finishReason === 'repetition' || finishReason === 'cut_off'
}

async function look(
  { text, surePieces }: Pick<PageResult, 'text' | 'surePieces'>,
  wish: FieldsWish,
  schemas: SchemaThread,
  signal: AbortSignal,
): Promise<LookedAt | null> {
  const object = readObject(text)
  if (object === null) return null
  await shareLoop()
  const found = findFields(wish.schema, object.object)
  const checked = await schemas.check(wish.schema, found.object, signal)
  const failures = new Map<string, string>()
  for (const { pointer, status, reason } of found.fields) {
    if (status === 'invalid') failures.set(pointer, reason ?? 'it is wrong')
  }
  // Another page may have what this one lacks.
  const values = new Set(found.fields.filter(({ status }) => status !== 'missing').map(({ pointer }) => pointer))
  for (const { pointer, message } of checked.kind === 'checked' ? checked.problems : []) {
    if (values.has(pointer) && !failures.has(pointer)) failures.set(pointer, `it ${message}`)
  }
  for (const name of cutNames(object, found)) failures.set(name, 'the answer ended before it did')
  return { ...object, found, failures, confidences: confidencesOf(surePieces, object.spans) }
}

/** Returns the pointers of the names that a cut answer may have had. */
function cutNames({ isCut, cutIn }: FoundObject, { fields }: FoundFields): string[] {
  if (!isCut) return []
  const missing = fields.filter(({ pointer, status }) => status === 'missing' && pointer.lastIndexOf('/') === 0)
  const names = missing.map(({ pointer }) => pointer)
  return cutIn === null ? names : [`/${cutIn.replaceAll('~', '~0').replaceAll('/', '~1')}`, ...names]
}

const MAX_NAMED = 20

/** Asks for what is wrong, with the sampling of a second attempt: the same question would have the same answer. */
async function askAgain(
  page: PageOfDocument,
  { failures }: LookedAt,
  request: OcrRequest,
  result: PageResult,
  services: FieldServices,
  signal: AbortSignal,
): Promise<PageResult | null> {
  const asked = askedOf(request, result)
  const { fields: wish = null, model, task } = asked
  if (wish === null) return null
  const names = [...new Set([...failures.keys()].map(firstName))]
  const reasons = [...failures].slice(0, MAX_NAMED).map(([pointer, reason]) => `${pointer.slice(1)}: ${reason}`)
  const sentence = `An earlier answer was wrong. ${reasons.join('; ')}. Read these values on the image once more, letter by letter.`
  const { profile } = model
  const sampling = { ...profile.sampling, ...profile.ladder[1] }
  const question = { model: { ...model, profile: { ...profile, sampling } }, task, confidence: true }
  // The retries of a model that could not read the page may be used up.
  const { attemptBudget } = asked === request ? page : page.another(asked)
  const { hurry, onRead } = services
  onRead?.()
  const again = { ...question, prompt: wish.askAgain(names, sentence) }
  const limited = hurry === undefined ? signal : AbortSignal.any([signal, hurry])
  return readAgain({ ...page, attemptBudget }, again, asked, services, limited).catch((thrown: unknown) => {
    if (signal.aborted || hurry?.aborted !== true) throw thrown
    return null
  })
}

type Described = Pick<PageResult, 'text' | 'warnings' | 'status' | 'error'> & { readonly fields: PageFacts }

/** Describes the page: an answer that was cut is whole once what was cut has come in the second. */
function described(
  first: LookedAt,
  { object, isCut, cutIn, failures, ...facts }: Mended,
  result: PageResult,
  wish: FieldsWish,
): Described {
  const isChanged = first.isRepaired || object !== first.object
  const isWhole = first.isCut && !isCut && result.error !== null
  const isDoubtful = isCut || failures > 0 || first.found.fields.some((field) => isUnsure(field, facts, wish))
  const warnings = isCut ? [answerCut] : first.isRepaired ? [answerRepaired] : []
  return {
    text: isChanged ? JSON.stringify(object) : result.text,
    warnings: [...result.warnings, ...warnings],
    status: isWhole ? 'repaired' : result.status,
    error: isWhole ? null : result.error,
    fields: { isCut, cutIn, ...facts, ...(isDoubtful ? { isDoubtful } : {}) },
  }
}

function isUnsure(
  { pointer, status, minConfidence }: FoundField,
  { confidences }: Pick<PageFacts, 'confidences'>,
  wish: FieldsWish,
): boolean {
  const confidence = confidences[pointer] ?? 1
  return status === 'doubtful' || confidence < (minConfidence ?? wish.minConfidence ?? 0)
}

const answerCut: PageWarning = {
  code: 'answer_cut',
  message: "The model's answer ended within its JSON. The values that were whole count, and nothing was added to them.",
}

const answerRepaired: PageWarning = {
  code: 'answer_repaired',
  message: "The model's answer was not JSON alone. The object in it counts, and what stood around it was left out.",
}

import type { LookedAt } from './page-fields.ts'
import type { PageFacts } from './page-facts.ts'
import { firstName, stepsOf, valueAt, withValueAt } from './value-at.ts'
import { isEmpty } from './find-fields.ts'
import { pointerStep } from './read-object.ts'

/** A page's values after its second answer. */
export interface Mended extends PageFacts {
  /** The first answer's own, where nothing has changed. */
  readonly object: Readonly<Record<string, unknown>>
  /** How many of the first answer's failures are left. */
  readonly failures: number
}

/** Takes from a second answer what was wrong or cut in the first, where it is right now; nothing else. */
export function mend(first: LookedAt, second: LookedAt | null): Mended {
  const { isCut, cutIn, confidences } = first
  if (second === null)
    return { object: first.object, isCut, cutIn, confidences, repaired: [], failures: first.failures.size }
  let object: unknown = first.object
  const sure = new Map(Object.entries(confidences))
  const repaired: string[] = []
  let isCutMended = false
  let failures = 0
  for (const pointer of first.failures.keys()) {
    const value = valueAt(second.object, pointer)
    const isWhole = stepsOf(pointer).length === 1
    const isRight = isWhole ? isRightWithin(second, pointer) : isRightAt(first, second, pointer)
    if (isEmpty(value) || !isRight) {
      failures += 1
      continue
    }
    object = isWhole ? { ...(object as object), [firstName(pointer)]: value } : withValueAt(object, pointer, value)
    isCutMended ||= pointer === pointerStep(cutIn ?? '')
    for (const known of sure.keys()) if (isAtOrIn(known, pointer)) sure.delete(known)
    for (const [known, confidence] of Object.entries(second.confidences)) {
      if (isAtOrIn(known, pointer)) sure.set(known, confidence)
    }
    for (const field of second.found.fields) if (isAtOrIn(field.pointer, pointer)) repaired.push(field.pointer)
  }
  const isStillCut = isCut && (second.isCut || (cutIn !== null && !isCutMended))
  return {
    object: repaired.length === 0 ? first.object : (object as Mended['object']),
    isCut: isStillCut,
    cutIn: isCutMended ? null : cutIn,
    confidences: Object.fromEntries(sure),
    repaired,
    failures,
  }
}

const isAtOrIn = (pointer: string, whole: string): boolean => pointer === whole || pointer.startsWith(`${whole}/`)

function isRightWithin({ failures, cutIn, found }: LookedAt, pointer: string): boolean {
  if (cutIn !== null && pointer === pointerStep(cutIn)) return false
  if (found.fields.some((field) => field.pointer === pointer && field.status !== 'ok')) return false
  return [...failures.keys()].every((failure) => !isAtOrIn(failure, pointer))
}

/** Rows are the same rows only where there are as many of them. */
function isRightAt(first: LookedAt, second: LookedAt, pointer: string): boolean {
  const isOk = second.found.fields.some((field) => field.pointer === pointer && field.status === 'ok')
  if (!isOk || second.failures.has(pointer)) return false
  let above = ''
  for (const step of stepsOf(pointer)) {
    const [mine, other] = [valueAt(first.object, above), valueAt(second.object, above)]
    if (Array.isArray(mine) !== Array.isArray(other)) return false
    if (Array.isArray(mine) && Array.isArray(other) && mine.length !== other.length) return false
    above += pointerStep(step)
  }
  return true
}

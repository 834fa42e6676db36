import type { JoinedBlock } from '../ledger.ts'
import type { Joinable } from './joiner.ts'
import type { Cut, Joint } from './joint.ts'

/** A page whose text is not written yet: what its end has cut is known with the next one. */
export interface HeldPage {
  /** The beginning and the end of what may be joined; null: nothing may. */
  joinable: Joinable | null
  /** What is left of its Markdown, and what has come to it. */
  body: string
  /** How much further on stands in its own Markdown what stands in the body. */
  shift: number
  /** What stands before it instead of a separator; null: a separator. */
  between: string | null
  /** How it goes on with an earlier page; null: it does not. */
  goesOn: GoingOn | null
}

/** A block that begins on an earlier page. */
export interface GoingOn {
  readonly kind: JoinedBlock['kind']
  readonly page: HeldPage
  /** Where the block begins in that page's body. */
  readonly start: number
  /** Where it ends: in the body of the page that goes on, or, where it was moved, in that of the earlier page. */
  readonly end: number
  readonly isMoved: boolean
}

/** Creates a page of which nothing is joined yet. */
export function heldPage(body: string, joinable: Joinable | null): HeldPage {
  return { joinable, body, shift: 0, between: null, goesOn: null }
}

/** Lets a block go on from the end of one page to the beginning of the next, with no separator within it. */
export function flowOn(page: HeldPage, next: HeldPage, joint: Joint, cut: Cut): void {
  page.body = page.body.slice(0, cut.cutAt - page.shift)
  next.body = cut.head + next.body.slice(cut.from)
  next.shift = cut.from - cut.head.length
  next.between = cut.between
  const [start, end] = [joint.start - page.shift, joint.blockEnd - next.shift]
  next.goesOn = { kind: joint.kind, page, start, end, isMoved: false }
  next.joinable &&= goingOn(next.joinable, joint)
}

/**
 * Moves the rest of a block to the page on which it begins, before its footnotes. Where it was all of the next page, the earlier one may go
 * on with the page behind that: returns true.
 */
export function moveBack(page: HeldPage, next: HeldPage, joint: Joint): boolean {
  const { written: cut, tailAt, blockEnd } = joint
  const tail = page.body.slice(tailAt - page.shift)
  const start = joint.start - page.shift
  const moved = cut.head + next.body.slice(cut.from, blockEnd)
  const block = page.body.slice(0, cut.cutAt - page.shift) + cut.between + moved
  page.body = tail === '' ? block : `${block}\n\n${tail}`
  const rest = next.body.slice(blockEnd)
  next.body = rest.replace(/^(?:[ \t]*\n)+/, '')
  next.shift = blockEnd + rest.length - next.body.length
  next.goesOn = { kind: joint.kind, page, start, end: block.length, isMoved: true }
  if (next.body.trim() !== '') return false
  const following = next.joinable
  next.joinable = null
  if (tail !== '' || following === null) return false
  page.joinable = goingOn(following, joint)
  page.shift = blockEnd - block.length
  return true
}

/** A table that goes on further is compared with how it began. */
function goingOn(joinable: Joinable, { table, blockEnd }: Joint): Joinable {
  return table === null ? joinable : { ...joinable, table: { shape: table, until: blockEnd } }
}

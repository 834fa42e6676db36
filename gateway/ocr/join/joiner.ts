import type { PageWarning } from '../../page/page.ts'
import type { JoinWish } from '../../request/ocr-request.ts'
import type { PageNumber, PageResult } from '../page-event.ts'
import { noteCompounds } from './compounds.ts'
import type { PageHeads } from './heads.ts'
import { findJoint, type JoinablePage, type Joint } from './joint.ts'
import { edgeBlocks } from './text-blocks.ts'

/** A page that may be joined with its neighbours. */
export interface Joinable extends JoinablePage {
  readonly number: PageNumber
  readonly heads: PageHeads
}

/** Finds what the ends of pages have cut, page by page. */
export interface Joiner {
  /** Looks at a page; null where neither its beginning nor its end may be joined. */
  readonly joinable: (number: PageNumber, result: PageResult, heads: PageHeads, text: string) => Joinable | null
  readonly joint: (before: Joinable, after: Joinable) => Joint | null
  /** Returns what is to be said of a page that was not looked at. */
  readonly warnings: (text: string) => readonly PageWarning[]
}

/** A longer text is no page: looking at it would hold up the others. */
const MAX_LENGTH = 100_000

/** Creates what joins the pages of one request. */
export function createJoiner(wish: JoinWish): Joiner {
  const compounds = new Set<string>()
  return {
    joinable(number, { status, error }, heads, text) {
      const isRead = (status === 'ok' || status === 'repaired') && error === null
      if (!isRead || text.length > MAX_LENGTH || text.trim() === '') return null
      if (wish.paragraphs) noteCompounds(text, compounds)
      return { number, heads, text, blocks: edgeBlocks(text), table: null }
    },
    joint(before, after) {
      const isNext =
        before.number.document === after.number.document &&
        before.number.documentPage + 1 === after.number.documentPage &&
        !before.heads.isAboveFooter &&
        !after.heads.isBelowHeader
      return isNext ? findJoint(before, after, wish, compounds) : null
    },
    warnings: (text) => (text.length > MAX_LENGTH ? [NOT_JOINED] : []),
  }
}

const NOT_JOINED: PageWarning = {
  code: 'page_not_joined',
  message: `This page's text has more than ${MAX_LENGTH} characters. It was not joined with the pages around it.`,
}

import type { PageWarning } from '../page/page.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { HeadedPage } from './join/heads.ts'
import { flowOn, heldPage, moveBack, type GoingOn, type HeldPage } from './join/held-page.ts'
import { createJoiner, type Joiner } from './join/joiner.ts'
import type { JoinedBlock, LedgerPage } from './ledger.ts'
import type { OutputForm } from './output.ts'
import type { PageNumber, PageResult } from './page-event.ts'

/** A page's part of the content. */
export interface WrittenPage {
  /** What stands before it: a separator, or what joins it with the page before. */
  readonly joint: string
  readonly text: string
  readonly line: LedgerPage
}

/** Writes pages into the content, one behind the other. */
export interface Content {
  /** Takes a page; returns those that are complete, in page order. Where nothing is joined, that is the page itself. */
  add(page: HeadedPage): WrittenPage[]
  /** Returns the pages that were held back. */
  end(): WrittenPage[]
  /** Returns the lines of the ledger. Where joined blocks end is known at the end. */
  lines(): LedgerPage[]
}

/** A page that is to be written, and where it stands once it is. */
interface Page extends HeldPage {
  readonly number: PageNumber
  readonly result: PageResult
  /** What its Markdown says of it, and what was found at its edges. */
  readonly facts: Pick<LedgerPage, 'warnings' | 'closing' | 'header' | 'footer'>
  start: number
  text: string
  /** The block with which it goes on, and where in its body that ends. */
  block: SpanningBlock | null
  blockEnd: number
}

/** A block that goes over the ends of pages; its end grows with each of them. */
interface SpanningBlock {
  readonly page: number
  readonly start: number
  end: number
}

/** A page's line in the ledger, and the block with which it goes on: where that ends is known at the end. */
interface Line {
  readonly page: LedgerPage
  readonly goesOn: { readonly kind: JoinedBlock['kind']; readonly block: SpanningBlock } | null
}

/** Creates the content of a request's answer. */
export function createContent(request: OcrRequest, form: OutputForm): Content {
  const isEmbedding = request.figures?.marks === 'embed'
  const joiner = request.join == null ? null : createJoiner(request.join)
  const lines: Line[] = []
  let held: Page[] = []
  let offset = 0

  const write = (page: Page): WrittenPage => {
    const joint = lines.length === 0 ? form.before : (page.between ?? form.separator(page.number))
    page.start = offset + joint.length
    const written = form.write(page.number, page.result, page.body)
    page.text = written.text
    offset = page.start + page.text.length
    const { goesOn } = page
    if (goesOn !== null) page.block = spanningBlock(page, goesOn, request, form)
    if (goesOn?.isMoved === false) page.blockEnd = goesOn.end
    // What is written is not held.
    page.goesOn = null
    const line: Line = {
      page: { ...lineOf(page, written.warnings, isEmbedding), start: page.start, end: offset },
      goesOn: goesOn === null || page.block === null ? null : { kind: goesOn.kind, block: page.block },
    }
    lines.push(line)
    return { joint, text: page.text, line: ledgerPage(line) }
  }
  const writeHeld = (): WrittenPage[] => held.splice(0).map(write)

  return {
    add(headed) {
      const page = pageOf(headed, form, joiner)
      const [first] = held
      if (first !== undefined && join(first, page, request, joiner) === 'whole') {
        held.push(page)
        return []
      }
      const written = writeHeld()
      held = [page]
      return page.joinable === null ? [...written, ...writeHeld()] : written
    },
    end: writeHeld,
    lines: () => lines.map(ledgerPage),
  }
}

function pageOf({ page: number, result, heads }: HeadedPage, form: OutputForm, joiner: Joiner | null): Page {
  const { text, warnings, closing } = form.markdown(number, result)
  const joinable = closing > 0 ? null : (joiner?.joinable(number, result, heads, text) ?? null)
  const facts = {
    warnings: allOf(allOf(result.warnings, warnings), joiner?.warnings(text) ?? []),
    closing,
    ...(heads.header === null ? {} : { header: heads.header }),
    ...(heads.footer === null ? {} : { footer: heads.footer }),
  }
  return { ...heldPage(text, joinable), number, result, facts, start: 0, text: '', block: null, blockEnd: 0 }
}

/** Most pages have no warnings at all. */
function allOf(some: readonly PageWarning[], others: readonly PageWarning[]): readonly PageWarning[] {
  return others.length === 0 ? some : [...some, ...others]
}

/** Returns what a page's line in the ledger says beside its place in the content. */
function lineOf({ number, result, facts }: Page, written: readonly PageWarning[], isEmbedding: boolean) {
  // Its text, and pictures that are embedded, stand in the content: they are not held twice. V8 copies at once what is copied whole.
  const held = { ...(isEmbedding ? withoutFigures(result) : result), text: '', blocks: null, imageKey: null }
  const warnings = allOf(facts.warnings, written)
  return { ...held, ...number, ...facts, warnings: orNone(warnings), reasons: orNone(result.reasons) }
}

/** Lines are held to the end: empty lists of their own would be a tenth of what they take. */
const NONE: readonly never[] = []

function orNone<Item>(items: readonly Item[]): readonly Item[] {
  return items.length === 0 ? NONE : items
}

function withoutFigures(result: PageResult): PageResult {
  const { figures: _, ...rest } = result
  return rest
}

/** Joins two pages where the end of the first has cut something; `whole`: that was all of the second one, and the first may go on. */
function join(first: Page, next: Page, { output }: OcrRequest, joiner: Joiner | null): 'whole' | 'done' {
  const [before, after] = [first.joinable, next.joinable]
  const joint = before === null || after === null ? null : (joiner?.joint(before, after) ?? null)
  if (joint === null || before === null) return 'done'
  if (output !== 'json' && joint.tailAt >= before.text.length) {
    flowOn(first, next, joint, output === 'text' ? joint.alone : joint.written)
    return 'done'
  }
  // A mark of a picture belongs to the page on which the picture stands.
  if (next.body.slice(joint.written.from, joint.blockEnd).includes('![')) return 'done'
  return moveBack(first, next, joint) ? 'whole' : 'done'
}

function spanningBlock(
  page: Page,
  { page: earlier, start, end, isMoved }: GoingOn,
  { output }: OcrRequest,
  form: OutputForm,
): SpanningBlock {
  const owner = earlier as Page
  const { page: number } = owner.number
  const placed = (on: Page, position: number, isStart: boolean): number => {
    if (output === 'markdown' && on.result.figures === undefined) return on.start + Math.min(position, on.text.length)
    const outside = isStart ? on.start : on.start + on.text.length
    if (output === 'json') return outside
    const { text: before } = form.write(on.number, on.result, on.body.slice(0, position))
    if (!on.text.startsWith(before)) return outside
    const space = isStart ? on.text.slice(before.length).search(/\S/) : 0
    return on.start + before.length + Math.max(0, space)
  }
  if (isMoved) return { page: number, start: placed(owner, start, true), end: placed(owner, end, false) }
  const ends = placed(page, end, false)
  if (owner.block === null || start >= owner.blockEnd)
    return { page: number, start: placed(owner, start, true), end: ends }
  owner.block.end = ends
  return owner.block
}

function ledgerPage({ page, goesOn }: Line): LedgerPage {
  return goesOn === null ? page : { ...page, joined: { ...goesOn.block, kind: goesOn.kind } }
}

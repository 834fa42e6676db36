import type { TextBlock } from './text-blocks.ts'

const ITEM = /^(?<indent> *)(?<marker>[-*+]|(?<number>\d{1,9})(?<sign>[.)]))[ \t]+(?=\S)/

interface Item {
  readonly indent: number
  /** The bullet, or the sign behind the number. */
  readonly sign: string
  /** Null: it is a bullet. */
  readonly number: number | null
}

function itemOf(line: string): Item | null {
  const { indent = '', marker = '', number, sign = '' } = ITEM.exec(line)?.groups ?? {}
  if (marker === '') return null
  return {
    indent: indent.length,
    sign: number === undefined ? marker : sign,
    number: number === undefined ? null : Number(number),
  }
}

/** The end of a list, and what stands between its items. */
export interface ListJoint {
  readonly between: '\n' | '\n\n'
  /** Where the list begins on the first page, as far as it was looked at. */
  readonly start: number
}

/**
 * Tells whether a list goes on on the next page: its first item has the marker, the indentation and, where there are numbers, the
 * next number.
 */
export function listJoint(last: readonly TextBlock[], [after, following]: readonly TextBlock[]): ListJoint | null {
  const [before] = last
  if (before === undefined || after === undefined || before.isCode || after.isCode) return null
  const next = itemOf(after.lines[0] ?? '')
  if (next === null || next.indent > 3) return null
  const isSame = (item: Item | null): item is Item =>
    item !== null &&
    item.indent === next.indent &&
    item.sign === next.sign &&
    (item.number === null) === (next.number === null)
  const previous = before.lines.map(itemOf).findLast((item) => item !== null && item.indent <= next.indent) ?? null
  if (!isSame(previous)) return null
  if (next.number !== null && next.number !== (previous.number ?? 0) + 1) return null
  // Items that empty lines part, here or there, stay apart.
  const isLoose = (block: TextBlock | undefined): boolean => block !== undefined && isSame(itemOf(block.lines[0] ?? ''))
  const isApart = before.lines.length === 1 ? isLoose(last[1]) : false
  const from = last.findIndex((block) => !isLoose(block))
  const start = (from === -1 ? last.at(-1) : last[Math.max(0, from - 1)])?.start ?? before.start
  return { between: isApart || (after.lines.length === 1 && isLoose(following)) ? '\n\n' : '\n', start }
}

/** Returns the text of a block's last item, and where its own lines begin; null where the block ends otherwise. */
export function lastItem({ lines, isCode }: TextBlock): readonly string[] | null {
  if (isCode) return null
  const at = lines.findLastIndex((line) => itemOf(line) !== null)
  return at === -1 ? null : [(lines[at] ?? '').replace(ITEM, ''), ...lines.slice(at + 1)]
}

import { scanBlocks } from '../markdown/blocks.ts'
import type { Span } from './block.ts'

const HEADING = /^ {0,3}(#{1,6})[ \t]/

/** Finds the blocks of a text that is too long to be parsed: headings, code, and what stands between empty lines. */
export function plainSpans(markdown: string): Span[] {
  const spans: Span[] = []
  let open: { start: number; type: 'text' | 'code' } | null = null
  let at = 0
  const end = (): void => {
    if (open !== null) spans.push({ ...open, level: null, end: at - 1 })
    open = null
  }
  const roles = scanBlocks(markdown).lines
  for (const [index, line] of markdown.split('\n').entries()) {
    const role = roles[index]?.role ?? 'text'
    const heading = role === 'text' && open?.type !== 'code' ? HEADING.exec(line)?.[1] : undefined
    const isCode = role !== 'text'
    if (
      heading !== undefined ||
      (!isCode && line.trim() === '') ||
      (open !== null && isCode !== (open.type === 'code'))
    )
      end()
    if (heading !== undefined) spans.push({ type: 'heading', level: heading.length, start: at, end: at + line.length })
    else if (isCode || line.trim() !== '') open ??= { start: at, type: isCode ? 'code' : 'text' }
    at += line.length + 1
  }
  end()
  return spans
}

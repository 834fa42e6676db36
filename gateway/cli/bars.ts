import { MultiBar, type SingleBar } from 'cli-progress'
import type { Look } from './display.ts'
import type { Progress, Row } from './progress.ts'
import { counted, duration, printable } from './say.ts'
import { cutFront, fitted, widthOf, wrapped } from './width.ts'

/** Documents that are shown at a time. */
const MAX_ROWS = 6
/** Of a terminal's lines, what stays for others. */
const OTHER_LINES = 5
const FRAMES_PER_SECOND = 8

/** What moves on a terminal, and the lines above it. */
export interface Bars {
  line(text: string): void
  stop(): void
}

/** Shows a progress: one bar for all documents, a line of numbers, and a bar for each document that is being read. */
export function createBars(progress: Progress, stream: NodeJS.WriteStream, look: Look): Bars {
  const columns = (): number => Math.max(20, stream.columns || 80)
  const multi = new MultiBar({
    stream,
    fps: FRAMES_PER_SECOND,
    format: (_options, _params, payload: { readonly index: number }) =>
      linesOf(progress, columns(), rowsOf(stream), look)[payload.index] ?? '',
    clearOnComplete: true,
    hideCursor: true,
    linewrap: false,
    gracefulExit: false,
    // A line above has moved all of them.
    forceRedraw: true,
  })
  const bars: SingleBar[] = []
  for (let index = 0; index < rowsOf(stream) + 3; index += 1) bars.push(multi.create(1, 0, { index }))
  let isStopped = false
  return {
    line(text) {
      const lines = wrapped(text, columns())
      // Each clears what was there before it.
      if (isStopped) stream.write(`${lines.join('\n')}\n`)
      else multi.log(lines.map((each) => `${each}\u001b[K\n`).join(''))
    },
    stop() {
      if (isStopped) return
      isStopped = true
      // What was said since the last frame.
      multi.update()
      multi.stop()
    },
  }
}

function rowsOf({ rows }: NodeJS.WriteStream): number {
  return Math.max(1, Math.min(MAX_ROWS, (rows || 24) - OTHER_LINES))
}

function linesOf(progress: Progress, columns: number, shown: number, look: Look): string[] {
  const { counts, total, rows } = progress
  const ended = counts.done + counts.partial + counts.failed + counts.known
  const shownRows = [...rows].slice(0, shown)
  const hidden = rows.size - shown
  const lines: Line[] = [{ label: 'Documents', done: ended, total }, ...shownRows.map(lineOf)]
  const countWidth = Math.max(...lines.map((line) => countOf(line).length))
  const [first = '', ...others] = lines.map((line) => written(line, columns, countWidth))
  return [first, cutEnd(numbers(progress, look), columns), ...others, ...(hidden > 0 ? [`  and ${hidden} more`] : [])]
}

/** A bar with its label; without a total, the label alone. */
interface Line {
  readonly label: string
  readonly done: number
  readonly total: number | null
}

const lineOf = ({ name, pages, done }: Row): Line => ({ label: `  ${printable(name)}`, done, total: pages })

const countOf = ({ done, total }: Line): string => (total === null ? '' : `${Math.min(done, total)}/${total}`)

function written(line: Line, columns: number, countWidth: number): string {
  const { label, done, total } = line
  const indent = label.startsWith('  ') ? '  ' : ''
  const name = label.slice(indent.length)
  if (total === null) return indent + cutFront(name, columns - indent.length)
  const width = Math.max(4, Math.floor(columns / 4))
  const labelWidth = Math.max(4, columns - width - countWidth - 2 - indent.length)
  const filled = total === 0 ? 0 : Math.round((Math.min(done, total) / total) * width)
  const bar = '█'.repeat(filled) + '░'.repeat(width - filled)
  return `${indent}${fitted(name, labelWidth)} ${bar} ${countOf(line).padStart(countWidth)}`
}

function numbers(progress: Progress, look: Look): string[] {
  const { counts, pages } = progress
  const [rate, left] = [progress.pagesPerSecond(), progress.secondsLeft()]
  return [
    counted(pages, 'page'),
    ...(counts.failed > 0 ? [look.red(`${counts.failed} failed`)] : []),
    ...(counts.partial > 0 ? [look.yellow(`${counts.partial} partial`)] : []),
    ...(rate === null ? [] : [`${rate.toFixed(1)}/s`]),
    ...(left === null ? [] : [`${duration(left)} left`]),
  ]
}

/** Leaves out whole parts where the terminal is narrow. */
function cutEnd(parts: readonly string[], columns: number): string {
  const fits = (count: number): boolean => widthOf(parts.slice(0, count).join(' · ')) <= columns
  let count = parts.length
  while (count > 1 && !fits(count)) count -= 1
  return parts.slice(0, count).join(' · ')
}

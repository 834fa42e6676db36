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
  const hidden = rows.size - shown
  return [
    barLine('Documents', ended, total, columns),
    cutEnd(numbers(progress, look), columns),
    ...[...rows].slice(0, shown).map((row) => rowLine(row, columns)),
    ...(hidden > 0 ? [`  and ${hidden} more`] : []),
  ]
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
  const fits = (count: number): boolean => widthOf(plain(parts.slice(0, count).join(' · '))) <= columns
  let count = parts.length
  while (count > 1 && !fits(count)) count -= 1
  return parts.slice(0, count).join(' · ')
}

// oxlint-disable-next-line no-control-regex -- these are the colours
const plain = (text: string): string => text.replaceAll(/\u001b\[\d*m/g, '')

function rowLine({ name, pages, done }: Row, columns: number): string {
  if (pages === null) return `  ${cutFront(printable(name), columns - 2)}`
  return barLine(`  ${printable(name)}`, done, pages, columns)
}

function barLine(label: string, done: number, total: number, columns: number): string {
  const count = ` ${Math.min(done, total)}/${total}`
  const width = Math.max(4, Math.floor(columns / 4))
  const labelWidth = Math.max(4, columns - width - count.length - 1)
  const filled = total === 0 ? 0 : Math.round((Math.min(done, total) / total) * width)
  const name = label.startsWith('  ') ? `  ${fitted(label.slice(2), labelWidth - 2)}` : fitted(label, labelWidth)
  return `${name} ${'█'.repeat(filled)}${'░'.repeat(width - filled)}${count}`
}

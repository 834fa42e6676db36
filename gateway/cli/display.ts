import { createBars } from './bars.ts'
import type { Outcome, Progress } from './progress.ts'
import { counted, duration, inOptions, printable } from './say.ts'

/** What the user sees while documents are read. */
export interface Display {
  /** Shows a line that stays. */
  line(text: string): void
  ended(outcome: Outcome): void
  /** Shows nothing more that moves. */
  stop(): void
}

/** Where and how is shown. */
export interface DisplayOptions {
  readonly stream: NodeJS.WriteStream
  /** Whether bars may move; else there are lines. */
  readonly isLive: boolean
  readonly hasColor: boolean
  readonly isQuiet: boolean
}

const SUMMARY_MILLISECONDS = 30_000

/** Begins to show. */
export function createDisplay(progress: Progress, options: DisplayOptions): Display {
  const look = createLook(options.hasColor)
  if (options.isLive && !options.isQuiet) {
    const bars = createBars(progress, options.stream, look)
    return {
      line: (text) => bars.line(text),
      ended: (outcome) => {
        // On a terminal only what needs a look stays.
        if (outcome.note !== null) bars.line(outcomeLine(outcome, look))
      },
      stop: () => bars.stop(),
    }
  }
  const line = (text: string): void => void options.stream.write(`${text}\n`)
  const timer = options.isQuiet ? null : setInterval(() => line(summary(progress)), SUMMARY_MILLISECONDS).unref()
  return {
    line: (text) => void (options.isQuiet || line(text)),
    ended: (outcome) => void (isWorthALine(outcome, options.isQuiet) && line(outcomeLine(outcome, look))),
    stop: () => clearInterval(timer ?? undefined),
  }
}

/** Of a hundred thousand documents that are done already, a number says enough. */
function isWorthALine({ kind, note }: Outcome, isQuiet: boolean): boolean {
  if (kind === 'failed' || kind === 'partial') return true
  return !isQuiet && (kind === 'done' || note !== null)
}

/** Colours, where they are wanted. */
export type Look = Record<'red' | 'yellow' | 'green' | 'dim', (text: string) => string>

function createLook(hasColor: boolean): Look {
  const paint = (code: number) => (text: string) => (hasColor ? `\u001b[${code}m${text}\u001b[0m` : text)
  return { red: paint(31), yellow: paint(33), green: paint(32), dim: paint(2) }
}

function outcomeLine({ kind, name, pages, seconds, note }: Outcome, look: Look): string {
  const label = {
    done: look.green('done   '),
    known: look.dim('known  '),
    partial: look.yellow('partial'),
    failed: look.red('failed '),
  }[kind]
  const took = kind === 'done' ? `${counted(pages, 'page')}, ${seconds.toFixed(1)} s` : ''
  const rest = [took, note ?? ''].filter((part) => part !== '').join(', ')
  return `${label} ${printable(name)}${rest === '' ? '' : `: ${printable(inOptions(rest))}`}`
}

/** Says how far it is, in one line: `12/40 documents, 1 failed, 123 pages, 4.2 pages/s, about 3 min left`. */
export function summary(progress: Progress): string {
  const { counts, total, pages } = progress
  const ended = counts.done + counts.partial + counts.failed + counts.known
  const [rate, left] = [progress.pagesPerSecond(), progress.secondsLeft()]
  return [
    `${ended.toLocaleString('en')}/${counted(total, 'document')}`,
    ...(counts.failed > 0 ? [`${counts.failed} failed`] : []),
    ...(counts.partial > 0 ? [`${counts.partial} partial`] : []),
    counted(pages, 'page'),
    ...(rate === null ? [] : [`${rate.toFixed(1)} pages/s`]),
    ...(left === null ? [] : [`about ${duration(left)} left`]),
  ].join(', ')
}

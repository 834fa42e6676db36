import { spawn } from 'node:child_process'
import { once } from 'node:events'
import xterm from '@xterm/headless'
import type { Frame, Look, Span } from './terminal-svg.ts'

/** What a terminal shows, without the time. */
export type Screen = Omit<Frame, 'at'>

/** A terminal whose screen can be read. */
export interface WatchedTerminal {
  readonly write: (text: string) => Promise<void>
  readonly screen: () => Screen
}

/** Opens a terminal of a size. */
export function openTerminal(columns: number, rows: number): WatchedTerminal {
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true })
  return {
    write: (text) => new Promise<void>((resolve) => terminal.write(text, resolve)),
    screen() {
      const { active } = terminal.buffer
      const lines = Array.from({ length: rows }, (_, row) => spansOf(active.getLine(active.viewportY + row), columns))
      return { lines, cursor: { column: active.cursorX, line: active.cursorY } }
    },
  }
}

type BufferLine = ReturnType<xterm.Terminal['buffer']['active']['getLine']>
type Cell = NonNullable<ReturnType<NonNullable<BufferLine>['getCell']>>

function spansOf(line: BufferLine, columns: number): Span[] {
  const spans: Span[] = []
  for (let column = 0; column < columns; column++) {
    const cell = line?.getCell(column)
    const cells = cell?.getWidth() ?? 0
    if (cell === undefined || cells === 0) continue
    const [text, look] = [cell.getChars() || ' ', lookOf(cell)]
    const last = spans.at(-1)
    if (last?.look === look) spans[spans.length - 1] = { ...last, text: last.text + text, cells: last.cells + cells }
    else spans.push({ text, column, cells, look })
  }
  return spans
}

const COLORS: Readonly<Record<number, Look>> = { 1: 'red', 2: 'green', 3: 'yellow', 4: 'prompt' }

function lookOf(cell: Cell): Look {
  if (cell.isDim() !== 0) return 'dim'
  return cell.isFgPalette() ? (COLORS[cell.getFgColor()] ?? 'plain') : 'plain'
}

/** Runs a command in a terminal of its own (util-linux's `script`), and passes on what it writes, as it comes. */
export async function runInTerminal(
  command: string,
  size: { readonly columns: number; readonly rows: number },
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
  onText: (text: string) => Promise<void>,
): Promise<number | null> {
  const line = `stty cols ${size.columns} rows ${size.rows}; ${command}`
  const child = spawn('script', ['--quiet', '--flush', '--return', '--command', line, '/dev/null'], {
    cwd,
    env: { ...env, TERM: 'xterm-256color', SHELL: '/bin/bash' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close') as Promise<[number | null]>
  for await (const text of child.stdout.setEncoding('utf8')) await onText(text as string)
  const [code] = await closed
  return code
}

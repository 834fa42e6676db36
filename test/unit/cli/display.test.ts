import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import xterm from '@xterm/headless'
import { createDisplay, type Display } from '../../../gateway/cli/display.ts'
import { createProgress, type Progress } from '../../../gateway/cli/progress.ts'

/** A terminal that can be looked at. */
function openTerminal(columns: number, rows: number) {
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, convertEol: true })
  const written: string[] = []
  const stream = {
    isTTY: true,
    columns,
    rows,
    write(text: string) {
      written.push(text)
      terminal.write(text)
      return true
    },
  } as unknown as NodeJS.WriteStream
  const screen = async (): Promise<string[]> => {
    await new Promise<void>((resolve) => terminal.write('', resolve))
    const { active } = terminal.buffer
    const lines = Array.from(
      { length: active.length },
      (_, line) => active.getLine(line)?.translateToString(true) ?? '',
    )
    return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1)
  }
  return { stream, screen, written, terminal }
}

const displays: Display[] = []
afterEach(() => {
  for (const display of displays.splice(0)) display.stop()
})

interface Scene {
  readonly progress: Progress
  readonly display: Display
  readonly advance: (seconds: number) => void
}

function openScene(
  stream: NodeJS.WriteStream,
  options: { isLive?: boolean; hasColor?: boolean; isQuiet?: boolean } = {},
): Scene {
  let time = 1000
  let display: Display | null = null
  const progress = createProgress(
    (outcome) => display?.ended(outcome),
    () => time,
  )
  display = createDisplay(progress, { stream, isLive: true, hasColor: false, isQuiet: false, ...options })
  displays.push(display)
  return { progress, display, advance: (seconds) => void (time += seconds * 1000) }
}

const source = { kind: 'file', path: '/x' } as const
const named = (name: string) => ({ name, place: name, source })

/** Half of the documents are read, one has failed, and three are under way. */
function play({ progress, advance }: Scene): void {
  progress.total = 12
  for (let index = 0; index < 5; index += 1) {
    const row = progress.begin(named(`in/letter-${index}.pdf`))
    progress.opened(row, 4)
    for (let page = 0; page < 4; page += 1) progress.page(row)
    progress.end(row, { kind: 'done', name: `in/letter-${index}.pdf`, pages: 4, seconds: 2, note: null })
  }
  const broken = progress.begin(named('in/broken.pdf'))
  const note = 'document_unreadable: The document is not a PDF: it looks like plain text.'
  progress.end(broken, { kind: 'failed', name: 'in/broken.pdf', pages: 0, seconds: 0.1, note })
  for (const [name, pages, done] of [
    ['in/annual report 2025.pdf', 40, 10],
    ['in/東京/議事録の報告書と付属資料.pdf', 8, 4],
  ] as const) {
    const row = progress.begin(named(name))
    progress.opened(row, pages)
    for (let page = 0; page < done; page += 1) progress.page(row)
  }
  progress.begin(named('in/escape\u001b[2Jsequence.pdf'))
  advance(10)
}

/** As long as a frame of the display takes, and some more. */
const frame = () => delay(300)

describe('the display on a terminal', () => {
  it('shows documents, pages, how fast and how long, and failures above: 80 columns', async () => {
    const { stream, screen } = openTerminal(80, 24)
    const scene = openScene(stream)
    play(scene)
    await frame()
    assert.deepEqual(await screen(), [
      'failed  in/broken.pdf: document_unreadable: The document is not a PDF: it looks',
      'like plain text.',
      'Documents                                             ██████████░░░░░░░░░░  6/12',
      '34 pages · 1 failed · 3.4/s · 15 s left',
      '  in/annual report 2025.pdf                           █████░░░░░░░░░░░░░░░ 10/40',
      '  in/東京/議事録の報告書と付属資料.pdf                ██████████░░░░░░░░░░   4/8',
      String.raw`  in/escape\u{1b}[2Jsequence.pdf`,
    ])
    scene.display.stop()
  })

  it('fits 40 columns', async () => {
    const { stream, screen } = openTerminal(40, 24)
    const scene = openScene(stream)
    play(scene)
    await frame()
    assert.deepEqual(await screen(), [
      'failed  in/broken.pdf:',
      'document_unreadable: The document is',
      'not a PDF: it looks like plain text.',
      'Documents               █████░░░░░  6/12',
      '34 pages · 1 failed · 3.4/s · 15 s left',
      '  …nual report 2025.pdf ███░░░░░░░ 10/40',
      '  …報告書と付属資料.pdf █████░░░░░   4/8',
      String.raw`  in/escape\u{1b}[2Jsequence.pdf`,
    ])
    scene.display.stop()
  })

  it('leaves only what needs a look behind, and the cursor', async () => {
    const { stream, screen, written } = openTerminal(80, 24)
    const scene = openScene(stream)
    play(scene)
    await frame()
    scene.display.line('The gateway is back.')
    scene.display.stop()
    assert.deepEqual(await screen(), [
      'failed  in/broken.pdf: document_unreadable: The document is not a PDF: it looks',
      'like plain text.',
      'The gateway is back.',
    ])
    assert.ok(written.join('').includes('\u001b[?25h'))
  })

  it('stays within a low screen', async () => {
    const { stream, screen, terminal } = openTerminal(80, 8)
    const scene = openScene(stream)
    play(scene)
    for (let index = 0; index < 20; index += 1) scene.progress.begin(named(`in/more-${index}.pdf`))
    for (let count = 0; count < 6; count += 1) {
      scene.display.line(`line ${count}`)
      await frame()
    }
    const lines = await screen()
    assert.deepEqual(lines.filter((line) => line.startsWith('Documents')).length, 1, lines.join('\n'))
    assert.match(lines.at(-1) ?? '', /and 20 more/)
    assert.ok(terminal.buffer.active.baseY > 0)
    scene.display.stop()
  })

  it('has colours where they are wanted', async () => {
    for (const hasColor of [true, false]) {
      const { stream, written } = openTerminal(80, 24)
      const scene = openScene(stream, { hasColor })
      play(scene)
      await frame()
      scene.display.stop()
      // oxlint-disable-next-line no-control-regex -- these are the colours
      assert.equal(/\u001b\[31m/.test(written.join('')), hasColor)
    }
  })
})

describe('the display elsewhere', () => {
  const lines = (options: { isQuiet: boolean }): string => {
    const { stream, written } = openTerminal(80, 24)
    const scene = openScene(stream, { isLive: false, ...options })
    play(scene)
    const { progress } = scene
    progress.end(null, { kind: 'known', name: 'in/old.pdf', pages: 3, seconds: 0, note: null })
    scene.display.line('Reading')
    scene.display.stop()
    return written.join('')
  }

  it('writes a line for each document', () => {
    const text = lines({ isQuiet: false })
    assert.match(text, /^done {4}in\/letter-0\.pdf: 4 pages, 2\.0 s\n/)
    assert.match(text, /^failed {2}in\/broken\.pdf: document_unreadable: .*\n/m)
    assert.doesNotMatch(text, /old\.pdf/)
    // oxlint-disable-next-line no-control-regex -- nothing moves the cursor
    assert.doesNotMatch(text, /\u001b/)
  })

  it('writes only what went wrong, where quiet is asked for', () => {
    assert.match(lines({ isQuiet: true }), /^failed {2}in\/broken\.pdf: [^\n]*\n$/)
  })
})

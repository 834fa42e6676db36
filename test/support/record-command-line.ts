// `npm run recording`: runs `ocr` over a folder, in a terminal, with a gateway of its own and the embedded engine, and
// writes what the terminal shows as docs/pictures/command-line.svg. What is typed is written by this script; all else is
// what the programs write. Pauses are cut short, so that it takes half a minute.
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { drawLetter, drawText } from '../fixtures/printed-page.ts'
import { englishLines } from '../fixtures/prose.ts'
import { faxImage, jpegImage, makeScan } from '../fixtures/scan-pdf.ts'
import { encodePng } from '../fixtures/images.ts'
import { recordingToSvg, type Frame } from './terminal-svg.ts'
import { openTerminal, runInTerminal, type Screen } from './watched-terminal.ts'

const root = join(import.meta.dirname, '../..')
const size = { columns: 86, rows: 18 }
const SECONDS = 30

const scenes = [
  { command: 'ls letters', pause: 1.2 },
  { command: 'ocr letters --out text', pause: 2 },
  { command: 'head -n 5 text/manual.pdf.md | fold -sw 84', pause: 3.5 },
  { command: 'ocr letters --out text    # again: what is done is not read twice', pause: 4 },
]

// `ocr` says where it writes: a name that can be read, and the same in each recording.
const folder = join(tmpdir(), 'scans')
mkdirSync(folder)
try {
  await makeDocuments(join(folder, 'letters'))
  const { frames, seconds } = await record()
  const svg = recordingToSvg({ title: 'The command line reads a folder of letters', ...size, seconds, frames })
  mkdirSync(join(root, 'docs/pictures'), { recursive: true })
  writeFileSync(join(root, 'docs/pictures/command-line.svg'), svg)
  process.stdout.write(`${frames.length} frames, ${seconds} s, ${Math.ceil(svg.length / 1024)} KB\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function makeDocuments(into: string): Promise<void> {
  mkdirSync(into, { recursive: true })
  cpSync(join(root, 'test/fixtures/documents/four-page-scan.pdf'), join(into, 'manual.pdf'))
  const textFrom = (line: number) => drawText({ text: englishLines.slice(line).join(' '), lines: 9 })
  const page = async (line: number) => ({ image: await jpegImage(textFrom(line)) })
  writeFileSync(join(into, 'minutes.pdf'), makeScan(await Promise.all([0, 4, 8, 2, 6].map(page))))
  writeFileSync(join(into, 'order.pdf'), makeScan([{ image: await faxImage(drawLetter()) }]))
  writeFileSync(join(into, 'receipt.png'), await encodePng(textFrom(3)))
  writeFileSync(join(into, 'broken.pdf'), 'This is no PDF.')
}

/** Plays the scenes, and returns what was on the screen. */
async function record(): Promise<{ frames: Frame[]; seconds: number }> {
  const terminal = openTerminal(size.columns, size.rows)
  const frames: Frame[] = []
  let clock = 0
  const show = (screen: Screen = terminal.screen()) => {
    const last = frames.at(-1)
    if (last === undefined || JSON.stringify({ ...last, at: 0 }) !== JSON.stringify({ at: 0, ...screen }))
      frames.push({ at: clock, ...screen })
  }
  for (const { command, pause } of scenes) {
    await terminal.write('\u001b[34m$\u001b[0m ')
    show()
    clock += 0.6
    for (const piece of command.match(/.{1,2}/g) ?? []) {
      await terminal.write(piece)
      show()
      clock += 0.07
    }
    clock += 0.4
    await terminal.write('\r\n')
    let then = performance.now()
    await runInTerminal(command, size, { cwd: folder, env: environment() }, async (text) => {
      const now = performance.now()
      clock += Math.min((now - then) / 1000, 1.2)
      then = now
      await terminal.write(text)
      const { lines } = terminal.screen()
      show({ lines, cursor: null })
    })
    clock += pause
  }
  await terminal.write('\u001b[34m$\u001b[0m ')
  show()
  return paced(frames, clock + 3)
}

/** Brings a recording to the time that it should take, with at most ten pictures a second. */
function paced(frames: readonly Frame[], length: number): { frames: Frame[]; seconds: number } {
  const scale = SECONDS / Math.max(length, SECONDS)
  const seconds = Math.round(length * scale)
  const spaced: Frame[] = []
  for (const frame of frames) {
    const at = Math.round(frame.at * scale * 10) / 10
    // Of what was shown within a tenth of a second, the last one stays.
    if (spaced.at(-1)?.at === at) spaced.pop()
    spaced.push({ ...frame, at })
  }
  return { frames: spaced, seconds }
}

function environment(): Record<string, string> {
  const bin = join(folder, 'bin')
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(bin, 'ocr'), `#!/bin/sh\nexec node ${join(root, 'gateway/cli/ocr.js')} "$@"\n`, { mode: 0o755 })
  const path = [bin, join(root, 'node_modules/.bin'), process.env['PATH'] ?? ''].join(delimiter)
  return { PATH: path, HOME: folder, LANG: 'C.UTF-8' }
}

import type { Connection } from './connect.ts'
import { createDisplay, summary, type Display } from './display.ts'
import { createCosts } from './dry-run.ts'
import { fileTrouble, type Found, type Input } from './input.ts'
import type { Manifest } from './manifest.ts'
import type { GivenOptions, Question } from './options.ts'
import { lookIntoFolder, type OutFolder } from './out-folder.ts'
import { createPatience } from './patience.ts'
import { createProgress, hasMoreToCome, type Progress } from './progress.ts'
import { readAll, type Keeping } from './run.ts'
import { CommandError, counted, duration, EXIT, printable, say } from './say.ts'
import { listenForInterrupts, type Interrupts } from './signals.ts'
import { folderSink, formOf, stdoutSink, type PrintListener, type Sink } from './sink.ts'
import { watchFolder } from './watch.ts'

/** Where the command runs. */
export interface Surroundings {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
}

/** Tells whether Office documents can be read: only an operator knows that of a gateway. */
export const hasOffice = ({ env }: Surroundings): boolean => (env['GATEWAY_GOTENBERG_URL'] ?? '') !== ''

/** Documents at a time, and pages that are still to come of those that were begun. */
const DEFAULT_CONCURRENCY = 16
const MAX_OUTSTANDING_PAGES = 64
const PATIENCE_SECONDS = 60

/** What is kept in a folder; nulls where there is none, or nothing is written. */
export interface Opened extends AsyncDisposable {
  readonly folder: OutFolder | null
  readonly manifest: Manifest | null
}

/** Everything that was found out before the first document is read. */
export interface Prepared {
  readonly args: readonly string[]
  readonly given: GivenOptions
  readonly where: Surroundings
  readonly outDir: string | null
  readonly found: Found
  readonly question: Question
  readonly isOne: boolean
  readonly opened: Opened
  readonly connection: Connection
}

/** Reads, shows how far it is, and says in the end what became of it. Returns how the command ends. */
export async function runReading(prepared: Prepared): Promise<number> {
  const { given, where, found, question, opened, connection } = prepared
  let display: Display | null = null
  const progress = createProgress((outcome) => display?.ended(outcome))
  progress.total = found.inputs.length + found.unreadable.length
  const options = displayOptions(prepared)
  const { isLive } = options
  display = createDisplay(progress, options)
  const line = (text: string): void => display?.line(text)
  if (given.quiet !== true) sayBeginning(prepared, line)
  for (const { name, message } of found.unreadable) {
    progress.end(null, { kind: 'failed', name, pages: 0, seconds: 0, note: message })
  }
  using interrupts = listenForInterrupts(() => {
    line(connection.isOwn ? OWN_STOPPING : stoppingLine(progress))
    connection.leave()
  })
  const gone = new AbortController()
  const heading = (text: string): void => (isLive ? line(text) : sayUnlessQuiet(prepared, text))
  const { sink, total } = sinkOf(prepared, { heading, gone: (error) => gone.abort(error) })
  try {
    await readAll({
      client: connection.client,
      question,
      inputs: inputsOf(prepared, progress, interrupts, line),
      sink,
      keeping: keepingOf(opened, prepared),
      concurrency: given.concurrency ?? DEFAULT_CONCURRENCY,
      maxOutstandingPages: given.concurrency === undefined ? MAX_OUTSTANDING_PAGES : Infinity,
      progress,
      patience: createPatience(patienceOf(where), {
        away: (message) => line(`Nothing can be read now (${printable(message)}). Waiting …`),
        back: () => line('Going on.'),
      }),
      isOwn: connection.isOwn,
      stopping: interrupts.stopping,
      cut: AbortSignal.any([interrupts.cut, gone.signal]),
    })
  } catch (error) {
    display.stop()
    if (!(error instanceof CommandError)) throw error
    return ended(prepared, progress, error)
  }
  display.stop()
  if (gone.signal.aborted) return goneWith(gone.signal.reason)
  if (total !== null) process.stdout.write(`${total(progress.counts.known)}\n`)
  return finished(prepared, progress, interrupts)
}

function sayUnlessQuiet({ given }: Prepared, text: string): void {
  if (given.quiet !== true) say(text)
}

function patienceOf({ env }: Surroundings): number {
  const seconds = Number(env['OCR_PATIENCE_SECONDS'] || PATIENCE_SECONDS)
  return Number.isFinite(seconds) ? seconds : PATIENCE_SECONDS
}

function displayOptions({ given, where, opened }: Prepared) {
  const { stderr, stdout } = process
  // Bars and text on one terminal would write over each other.
  const isLive = stderr.isTTY && where.env['TERM'] !== 'dumb' && (opened.folder !== null || !stdout.isTTY)
  const hasColor = stderr.isTTY && !where.env['NO_COLOR'] && where.env['TERM'] !== 'dumb'
  return { stream: stderr, isLive, hasColor, isQuiet: given.quiet === true || (opened.folder === null && !isLive) }
}

function sayBeginning({ found, opened, connection, given }: Prepared, line: (text: string) => void): void {
  sayLeftAlone(found.leftAlone)
  if (opened.folder === null) return
  const from = connection.isOwn ? 'its own gateway' : connection.baseUrl
  const what = given.watch === true ? 'Watching' : `Reading ${counted(found.inputs.length, 'document')}`
  line(`${what} with ${from}, into ${printable(opened.folder.path)}`)
}

function sinkOf(
  { given, opened, isOne, question }: Prepared,
  listener: PrintListener,
): { readonly sink: Sink; readonly total: ((known: number) => string) | null } {
  if (given.dryRun === true) {
    const costs = createCosts(given.json === true)
    return { sink: costs.sink, total: isOne || given.json === true ? null : (known) => costs.total(known) }
  }
  const form = formOf(given.output ?? 'markdown', given.json === true)
  return {
    sink:
      opened.folder === null
        ? stdoutSink(form, isOne, listener)
        : folderSink(opened.folder, form, question.figuresAreAsked === true),
    total: null,
  }
}

function keepingOf({ folder, manifest }: Opened, { given, question, outDir }: Prepared): Keeping | null {
  if (outDir === null || manifest === null) return null
  const { ending } = formOf(given.output ?? 'markdown', given.json === true)
  const retrying = { retryFailed: given.retryFailed === true, hasPassword: question.ocr.password !== undefined }
  return { folder: folder ?? lookIntoFolder(outDir), manifest, ending, retrying }
}

function inputsOf(
  { given, args, where, outDir, found }: Prepared,
  progress: Progress,
  { stopping }: Interrupts,
  line: (text: string) => void,
): Iterable<Input> | AsyncIterable<Input> {
  const [folder] = args
  if (given.watch !== true || outDir === null || folder === undefined) return found.inputs
  return watchFolder({
    folder,
    cwd: where.cwd,
    outDir,
    hasOffice: hasOffice(where),
    onFound: () => void (progress.total += 1),
    onTrouble: (message) => line(`The folder cannot be watched as a whole: ${printable(message)}`),
    signal: stopping,
  })
}

const OWN_STOPPING = 'Stopping: the pages that are being read are finished. Ctrl-C again leaves them.'
const MAX_NAMED = 4

function stoppingLine({ rows }: Progress): string {
  const left = [...rows].filter(hasMoreToCome)
  const last = rows.size - left.length
  const named = left.map(
    ({ name, pages, done }) => `${printable(name)} is left after ${done} of ${counted(pages ?? 0, 'page')}.`,
  )
  return [
    'Stopping.',
    ...(left.length > MAX_NAMED ? [`${left.length} documents are left as far as they are read.`] : named),
    ...(left.length > 0 ? ['The gateway finishes the pages that are being read.'] : []),
    ...(last > 0
      ? [`Waiting for ${counted(last, 'document')} with a page to go at most; Ctrl-C again leaves all.`]
      : []),
  ].join(' ')
}

/** A reader that has had enough is no failure; a text that is cut off is one. */
function goneWith(error: unknown): number {
  const { code } = Object(error) as NodeJS.ErrnoException
  if (code === 'EPIPE') return EXIT.pipe
  say(`What was read cannot be written: ${fileTrouble(error)}. Make room, and give the same command again.`)
  return EXIT.failed
}

/** The command ends before all is read. */
function ended({ opened }: Prepared, progress: Progress, error: CommandError): number {
  say(summary(progress))
  say(error.message)
  if (opened.folder !== null) say('Give the same command again to go on: what is read is not read again.')
  return error.exitCode
}

function finished({ given, opened }: Prepared, progress: Progress, interrupts: Interrupts): number {
  const { counts, total } = progress
  const signal = interrupts.first()
  const left = total - counts.done - counts.partial - counts.failed - counts.known
  const bad = counts.failed + counts.partial
  if (opened.folder !== null && given.quiet !== true) say(closingLine(progress, left))
  if (signal !== null && left > 0) {
    if (opened.folder !== null) say('Give the same command again to go on: what is read is not read again.')
    return signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated
  }
  if (bad > 0) return EXIT.failed
  opened.folder?.finish()
  return EXIT.ok
}

function closingLine(progress: Progress, left: number): string {
  const { counts, failedPages } = progress
  return [
    `${counts.done.toLocaleString('en')} read`,
    ...(counts.known > 0 ? [`${counts.known.toLocaleString('en')} known from before`] : []),
    ...(counts.partial > 0 ? [`${counts.partial} with ${counted(failedPages, 'failed page')}`] : []),
    ...(counts.failed > 0 ? [`${counts.failed} failed`] : []),
    ...(left > 0 ? [`${left.toLocaleString('en')} not begun or left`] : []),
    ...(progress.pages > 0 ? [`${counted(progress.pages, 'page')} in ${duration(process.uptime())}`] : []),
  ].join(', ')
}

/** Says how many files of folders are no documents. */
export function sayLeftAlone(leftAlone: ReadonlyMap<string, number>): void {
  const count = [...leftAlone.values()].reduce((sum, each) => sum + each, 0)
  if (count === 0) return
  const most = [...leftAlone].toSorted(([, a], [, b]) => b - a).slice(0, 4)
  const kinds = most.map(([ending, each]) => `${ending === '' ? 'no ending' : printable(ending)} ${each}`).join(', ')
  say(`Left alone: ${counted(count, 'file')} that ${count === 1 ? 'is no document' : 'are no documents'} (${kinds})`)
}

import { resolve } from 'node:path'
import { connect, type Connection } from './connect.ts'
import { createDisplay, summary, type Display } from './display.ts'
import { createCosts } from './dry-run.ts'
import { findInputs } from './find-inputs.ts'
import type { Found, Input } from './input.ts'
import { openManifest, type Manifest } from './manifest.ts'
import { readQuestion, usage, type GivenOptions, type Question } from './options.ts'
import { openOutFolder, type OutFolder } from './out-folder.ts'
import { createPatience } from './patience.ts'
import { preflight } from './preflight.ts'
import { createProgress, type Progress } from './progress.ts'
import { readAll, type Keeping } from './run.ts'
import { CommandError, counted, duration, EXIT, printable, say } from './say.ts'
import { listenForInterrupts, type Interrupts } from './signals.ts'
import { folderSink, formOf, stdoutSink, type Sink } from './sink.ts'
import { watchFolder } from './watch.ts'

/** Where the command runs. */
export interface Surroundings {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
}

/** Documents at a time, and pages that are still to come of those that were begun. */
const DEFAULT_CONCURRENCY = 16
const MAX_OUTSTANDING_PAGES = 64
const PATIENCE_SECONDS = 60

/** `ocr FILES…`: reads documents. Returns how the command ends. */
export async function readCommand(args: readonly string[], given: GivenOptions, where: Surroundings): Promise<number> {
  checkUsage(args, given)
  const outDir = given.out === undefined ? null : resolve(where.cwd, given.out)
  const found: Found =
    given.watch === true
      ? { inputs: [], unreadable: [], leftAlone: new Map() }
      : await findInputs(args, { cwd: where.cwd, outDir })
  if (given.watch !== true && found.inputs.length === 0) return nothingFound(found, given)
  const isOne = found.inputs.length === 1 && given.watch !== true
  const question = readQuestion(given, where.env, isOne)
  await using opened = await openKeeping(given, outDir)
  const readsUrls = found.inputs.some(({ source }) => source.kind === 'url')
  const dataDir = opened.folder?.dataDir ?? null
  const baseUrl = given.baseUrl ?? (where.env['OPENAI_BASE_URL'] || undefined)
  await using connection = await connect({ baseUrl, dataDir, allowUrls: readsUrls }, where.env)
  await preflight(connection, question.model)
  return await run({ args, given, where, outDir, found, question, isOne, opened, connection })
}

function checkUsage(args: readonly string[], given: GivenOptions): void {
  const { out, watch, dryRun, retryFailed } = given
  if (watch === true && (args.length !== 1 || out === undefined))
    throw usage('--watch takes one folder, and needs --out')
  if (watch === true && dryRun === true) throw usage('--watch and --dry-run cannot both be given')
  if (retryFailed === true && out === undefined)
    throw usage('--retry-failed needs --out: its manifest says what has failed')
  if (args.filter((argument) => argument === '-').length > 1) throw usage('"-" can be given once')
}

function nothingFound({ unreadable, leftAlone }: Found, given: GivenOptions): number {
  for (const { name, message } of unreadable) say(`${printable(name)}: ${message}`)
  if (given.quiet !== true) sayLeftAlone(leftAlone)
  if (unreadable.length > 0) return EXIT.usage
  say('There is no document to read.')
  return EXIT.ok
}

function sayLeftAlone(leftAlone: ReadonlyMap<string, number>): void {
  const count = [...leftAlone.values()].reduce((sum, each) => sum + each, 0)
  if (count === 0) return
  const most = [...leftAlone].toSorted(([, a], [, b]) => b - a).slice(0, 4)
  const kinds = most.map(([ending, each]) => `${ending === '' ? 'no ending' : printable(ending)} ${each}`).join(', ')
  say(`Left alone: ${counted(count, 'file')} that ${count === 1 ? 'is no document' : 'are no documents'} (${kinds})`)
}

interface Opened extends AsyncDisposable {
  readonly folder: OutFolder | null
  readonly manifest: Manifest | null
}

/** A dry run writes nothing, and knows what is there. */
async function openKeeping(given: GivenOptions, outDir: string | null): Promise<Opened> {
  const closing = new AsyncDisposableStack()
  if (outDir === null) return { folder: null, manifest: null, [Symbol.asyncDispose]: () => closing.disposeAsync() }
  const readOnly = given.dryRun === true
  const folder = readOnly ? null : closing.use(await openOutFolder(outDir, { anew: !given.resume }))
  const manifest = closing.use(await openManifest(outDir, { anew: !given.resume, readOnly }))
  return { folder, manifest, [Symbol.asyncDispose]: () => closing.disposeAsync() }
}

interface Prepared {
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

async function run(prepared: Prepared): Promise<number> {
  const { given, where, found, question, opened, connection } = prepared
  let display: Display | null = null
  const progress = createProgress((outcome) => display?.ended(outcome))
  progress.total = found.inputs.length + found.unreadable.length
  display = createDisplay(progress, displayOptions(prepared))
  const { line } = display
  if (given.quiet !== true) sayBeginning(prepared, line)
  for (const { name, message } of found.unreadable) {
    progress.end(null, { kind: 'failed', name, pages: 0, seconds: 0, note: message })
  }
  using interrupts = listenForInterrupts(() => line(stoppingLine(progress)))
  const { sink, total } = sinkOf(prepared)
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
        away: (message) => line(`The gateway cannot be reached (${printable(message)}). Waiting for it …`),
        back: () => line('The gateway is back.'),
      }),
      stopping: interrupts.stopping,
      cut: interrupts.cut,
    })
  } catch (error) {
    display.stop()
    if (!(error instanceof CommandError)) throw error
    return ended(prepared, progress, error)
  }
  display.stop()
  if (total !== null) process.stdout.write(`${total()}\n`)
  return finished(prepared, progress, interrupts)
}

function patienceOf({ env }: Surroundings): number {
  const seconds = Number(env['OCR_PATIENCE_SECONDS'] || PATIENCE_SECONDS)
  return Number.isFinite(seconds) ? seconds : PATIENCE_SECONDS
}

function displayOptions({ given, where, opened }: Prepared) {
  const { stderr, stdout } = process
  // Bars and text on one terminal would write over each other.
  const isLive =
    stderr.isTTY === true && where.env['TERM'] !== 'dumb' && (opened.folder !== null || stdout.isTTY !== true)
  const hasColor = stderr.isTTY === true && !where.env['NO_COLOR'] && where.env['TERM'] !== 'dumb'
  return { stream: stderr, isLive, hasColor, isQuiet: given.quiet === true || (opened.folder === null && !isLive) }
}

function sayBeginning({ found, opened, connection, given }: Prepared, line: (text: string) => void): void {
  sayLeftAlone(found.leftAlone)
  if (opened.folder === null) return
  const from = connection.isOwn ? 'its own gateway' : connection.baseUrl
  const what = given.watch === true ? 'Watching' : `Reading ${counted(found.inputs.length, 'document')}`
  line(`${what} with ${from}, into ${printable(opened.folder.path)}`)
}

function sinkOf({ given, opened, isOne }: Prepared): { readonly sink: Sink; readonly total: (() => string) | null } {
  if (given.dryRun === true) {
    const costs = createCosts(given.json === true)
    return { sink: costs.sink, total: isOne || given.json === true ? null : costs.total }
  }
  const form = formOf(given.output ?? 'markdown', given.json === true)
  return { sink: opened.folder === null ? stdoutSink(form, isOne) : folderSink(opened.folder, form), total: null }
}

function keepingOf({ folder, manifest }: Opened, { given, question }: Prepared): Keeping | null {
  if (folder === null || manifest === null) return null
  const { ending } = formOf(given.output ?? 'markdown', given.json === true)
  const retrying = { retryFailed: given.retryFailed === true, hasPassword: question.ocr.password !== undefined }
  return { folder, manifest, ending, retrying }
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
    onFound: () => void (progress.total += 1),
    onTrouble: (message) => line(`The folder cannot be watched as a whole: ${printable(message)}`),
    signal: stopping,
  })
}

function stoppingLine(progress: Progress): string {
  if (progress.rows.size === 0) return 'Stopping.'
  const pages = counted(progress.outstanding(), 'page')
  const documents = counted(progress.rows.size, 'document')
  return `Stopping: ${documents} with ${pages} to go are read to their end. Ctrl-C again leaves them.`
}

/** The command ends before all is read. */
function ended({ opened }: Prepared, progress: Progress, error: CommandError): number {
  if (error.exitCode === EXIT.pipe) return EXIT.pipe
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
  if (signal !== null && (left > 0 || given.watch !== true)) {
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

import { setMaxListeners } from 'node:events'
import type OpenAI from 'openai'
import { fileTrouble, type Input } from './input.ts'
import type { Entry, Manifest } from './manifest.ts'
import type { Question } from './options.ts'
import { figurePlace, outputPlace, type OutFolder } from './out-folder.ts'
import type { Patience } from './patience.ts'
import { hasMoreToCome, type Outcome, type Progress, type Row } from './progress.ts'
import { entryOf, failedEntry, failedPages, outcomeOf } from './entry.ts'
import { askPersistently } from './ask.ts'
import { identify, lookUp, type Identified, type Retrying } from './resume.ts'
import { CommandError, counted, DocumentError, EXIT } from './say.ts'
import type { Sink } from './sink.ts'

/** Where results are kept, so that the next command goes on. */
export interface Keeping {
  readonly folder: Pick<OutFolder, 'has' | 'take'>
  readonly manifest: Manifest
  readonly ending: string
  readonly retrying: Retrying
}

/** Everything that reading documents needs. */
export interface Run {
  readonly client: OpenAI
  readonly question: Question
  readonly inputs: AsyncIterable<Input> | Iterable<Input>
  readonly sink: Sink
  /** Null: nothing is written to a folder. */
  readonly keeping: Keeping | null
  /** Documents at a time. */
  readonly concurrency: number
  /** No document is begun while as many pages are still to come. */
  readonly maxOutstandingPages: number
  readonly progress: Progress
  readonly patience: Patience
  /** Nothing new is begun. */
  readonly stopping: AbortSignal
  /** What runs is left. */
  readonly cut: AbortSignal
  /** Whether the gateway finishes what it has begun, and no more, when the command stops. */
  readonly isOwn: boolean
}

/** Reads all documents. Throws what ends the command; what is wrong with one document is told to `progress`. */
export async function readAll(run: Run): Promise<void> {
  const running = new Set<Promise<void>>()
  const failed = new AbortController()
  const cut = AbortSignal.any([run.cut, failed.signal])
  setMaxListeners(0, cut, run.stopping)
  for await (const input of run.inputs) {
    await roomFor(run, running, cut)
    if (run.stopping.aborted || cut.aborted) break
    const task: Promise<void> = readOne(run, input, cut)
      .catch((error: unknown) => failed.abort(error))
      .finally(() => running.delete(task))
    running.add(task)
  }
  await Promise.all(running)
  if (failed.signal.aborted) throw failed.signal.reason
}

/** Few and large documents keep an engine as busy as many small ones, and are done sooner one after the other. */
async function roomFor(run: Run, running: ReadonlySet<Promise<void>>, cut: AbortSignal): Promise<void> {
  const isFull = (): boolean =>
    running.size >= run.concurrency ||
    (running.size > 0 && run.progress.outstanding(running.size) >= run.maxOutstandingPages)
  while (isFull() && !cut.aborted && !run.stopping.aborted) {
    const pause = Promise.withResolvers<void>()
    // Pages that are read make room, too, and nobody says when.
    const timer = setTimeout(pause.resolve, 50)
    await Promise.race([...running, pause.promise]).finally(() => clearTimeout(timer))
  }
}

async function readOne(run: Run, input: Input, cut: AbortSignal): Promise<void> {
  const turn = run.sink.turn(input)
  const startedAt = performance.now()
  let row: Row | null = null
  const end = (outcome: Omit<Outcome, 'name' | 'seconds'>): void =>
    run.progress.end(row, { name: input.name, seconds: (performance.now() - startedAt) / 1000, ...outcome })
  let found: Identified | null = null
  let left = cut
  const isLeft = (error: unknown) => left.aborted || (run.stopping.aborted && error === run.stopping.reason)
  try {
    found = await identify(input, run.keeping?.manifest ?? null)
    const known = await knownOutcome(run, input, found)
    if (known !== null) return end(known)
    cut.throwIfAborted()
    row = run.progress.begin(input)
    using leaving = leaveUnfinished(run, row)
    left = AbortSignal.any([cut, leaving.signal])
    const reading = await askPersistently(
      run,
      { found, turn, row, onOpened: leaving.look },
      { stopping: run.stopping, cut: left },
    )
    const written = await turn.write(reading)
    await keep(run, entryOf(reading, written, { input, found, question: run.question, startedAt }))
    run.progress.failedPages += failedPages(reading.ocr.pages)
    end(outcomeOf(reading))
  } catch (thrown) {
    const error = ofDocument(thrown)
    if (row !== null && (isLeft(error) || !(error instanceof DocumentError))) run.progress.leave(row)
    if (isLeft(error)) return
    if (!(error instanceof DocumentError)) throw asCommandError(error)
    if (found !== null)
      await keep(run, failedEntry(error, { input, found, question: run.question, startedAt })).catch((e: unknown) => {
        throw asCommandError(e)
      })
    end({ kind: 'failed', pages: 0, note: `${error.code}: ${error.message}` })
  } finally {
    turn.end()
  }
}

/**
 * Whoever stops the command does not wait for a document with pages to come: the gateway keeps those that are read, and finishes
 * those that an engine has taken. One of the command's own does so while it is asked, and may end the document with them.
 * `look` is for a document that tells how long it is only when the command is stopped.
 */
function leaveUnfinished({ stopping, isOwn }: Run, row: Row) {
  const leave = new AbortController()
  const look = (): void => {
    if (stopping.aborted && !isOwn && hasMoreToCome(row)) leave.abort()
  }
  stopping.addEventListener('abort', look, { once: true })
  return { signal: leave.signal, look, [Symbol.dispose]: () => stopping.removeEventListener('abort', look) }
}

async function knownOutcome(
  run: Run,
  input: Input,
  found: Identified,
): Promise<Omit<Outcome, 'name' | 'seconds'> | null> {
  if (run.keeping === null) return null
  const { folder, ending, retrying } = run.keeping
  const output = outputPlace(input.place, ending)
  const at = { place: input.place, output, options: run.question.hash }
  const known = lookUp(found, at, run.keeping, retrying)
  if (known.kind === 'read') return null
  const { entry } = known
  if (known.kind === 'take' && entry.output !== null) {
    const from = { output: entry.output, figures: entry.figures ?? [] }
    const figures = await folder.take(from, { output, figures: figurePlace(input.place, ending) }, known.moved)
    const taken = figures.length === 0 ? {} : { figures }
    await keep(run, { ...entry, path: input.place, source: found.source, modified: found.modified, output, ...taken })
  }
  const { status, pages, error } = entry
  if (status === 'failed')
    return { kind: 'failed', pages: 0, note: `${error?.code}: ${error?.message} (before; --retry-failed tries again)` }
  run.progress.failedPages += failedPages(entry.not_ok)
  const note = known.kind === 'take' ? `same as ${entry.path}` : null
  if (status === 'partial')
    return {
      kind: 'partial',
      pages: 0,
      note: `${counted(failedPages(entry.not_ok), 'page')} failed before (--retry-failed tries again)`,
    }
  return { kind: 'known', pages, note }
}

async function keep({ keeping }: Run, entry: Entry): Promise<void> {
  await keeping?.manifest.append(entry)
}

/** What the place of one text has met: others have other places. */
const OF_ONE_PLACE = new Set(['EISDIR', 'ENOTDIR', 'ENAMETOOLONG', 'ENOTEMPTY', 'EEXIST', 'ENOENT'])

function ofDocument(error: unknown): unknown {
  const { code, syscall } = Object(error) as NodeJS.ErrnoException
  if (syscall === undefined || !OF_ONE_PLACE.has(code ?? '')) return error
  return new DocumentError('output_unwritable', `its text cannot be written: ${fileTrouble(error)}`)
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EROFS'])

/** What cannot be written for one document, can be written for none. */
function asCommandError(error: unknown): unknown {
  const { code, syscall } = Object(error) as NodeJS.ErrnoException
  if (typeof code !== 'string' || syscall === undefined) return error
  const advice = FULL.has(code) ? ' Make room, and give the same command again: it goes on.' : ''
  return new CommandError(EXIT.failed, `What was read cannot be written: ${fileTrouble(error)}.${advice}`)
}

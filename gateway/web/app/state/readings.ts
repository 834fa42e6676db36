import type { Gateway } from '../stream/gateway.ts'
import { ConnectionLost, type Problem, ProblemError } from '../stream/problem.ts'
import type { SentDocument } from '../stream/request-body.ts'
import { isBusy } from './reading.ts'
import type { OpenDocument, Screen } from './screen.ts'

/** What readings need from around them. */
export interface ReadingSurroundings {
  readonly gateway: Gateway
  /** Makes a file ready to be sent: uploads it, or encodes it. */
  readonly send: (file: File, onShare: (share: number) => void, signal: AbortSignal) => Promise<SentDocument>
  /** Resolves when so many milliseconds are over. */
  readonly pause: (milliseconds: number) => Promise<void>
}

/** How a document is to be read. */
export interface ReadingManner {
  /** Kept as long as the document is open. */
  readonly password?: string
  /** The next reading takes nothing from the cache. */
  readonly isRefresh?: boolean
}

/** The readings of the documents on a screen. */
export interface Readings {
  /** Begins the next one that waits, where none runs. */
  readonly next: () => void
  /** Has a document wait for its turn, again or for the first time. */
  readonly queue: (id: number, manner?: ReadingManner) => void
  readonly stop: (id: number) => void
  /** Stops the reading of a document that is no longer there. */
  readonly forget: (id: number) => void
}

/** After a connection breaks, it is tried once more without being asked. */
const RETRY_PAUSE_MILLISECONDS = 1500

/** What is known of a document that the screen does not show. */
interface Work {
  controller: AbortController | null
  password: string | null
  isRefresh: boolean
  /** It was tried again without being asked, and no page came since. */
  hasRetried: boolean
}

/** Creates the readings of a screen: one document after another, as the gateway reads the pages of each side by side. */
export function createReadings(screen: Screen, around: ReadingSurroundings): Readings {
  const works = new Map<number, Work>()

  const next = (): void => {
    const { documents, keyProblem } = screen.state()
    if (keyProblem !== null || documents.some(({ reading }) => isBusy(reading))) return
    const waiting = documents.find(({ reading }) => reading.phase === 'waiting')
    if (waiting !== undefined) void read(waiting)
  }
  const read = async (document: OpenDocument): Promise<void> => {
    const { id } = document
    const work = workOf(works, id)
    const controller = new AbortController()
    work.controller = controller
    const isWhole = screen.state().options['pages'] === undefined
    screen.happen(id, { type: 'begin', isFresh: work.isRefresh, isWhole })
    const failure = await ask(screen, around, document, work, controller.signal)
    // It may have been stopped or begun again meanwhile.
    if (work.controller !== controller) return
    work.controller = null
    end(screen, id, work, failure)
    if (failure?.isLost === true && !work.hasRetried) void retry(id, work)
    next()
  }
  const retry = async (id: number, work: Work): Promise<void> => {
    work.hasRetried = true
    await around.pause(RETRY_PAUSE_MILLISECONDS)
    if (screen.find(id)?.reading.phase === 'lost') queue(id)
  }
  const queue = (id: number, manner: ReadingManner = {}): void => {
    stop(id)
    Object.assign(workOf(works, id), manner)
    screen.happen(id, { type: 'end', phase: 'waiting', problem: null })
    next()
  }
  const stop = (id: number): void => {
    const work = works.get(id)
    work?.controller?.abort()
    if (work !== undefined) work.controller = null
  }
  return {
    next,
    queue,
    stop: (id) => {
      stop(id)
      screen.happen(id, { type: 'end', phase: 'stopped', problem: null })
      next()
    },
    forget: (id) => {
      stop(id)
      works.delete(id)
      next()
    },
  }
}

function workOf(works: Map<number, Work>, id: number): Work {
  const known = works.get(id)
  if (known !== undefined) return known
  const work = { controller: null, password: null, isRefresh: false, hasRetried: false }
  works.set(id, work)
  return work
}

/** Why a reading ended early. */
interface Failure {
  readonly problem: Problem
  readonly isLost: boolean
}

/** Says on the screen how a reading ended. */
function end({ happen, find, set }: Screen, id: number, work: Work, failure: Failure | null): void {
  // What came is in the cache now.
  if (failure === null || (failure.isLost && (find(id)?.reading.content.length ?? 0) > 0)) work.isRefresh = false
  if (failure === null) return happen(id, { type: 'end', phase: 'done', problem: null })
  const { problem, isLost } = failure
  if (problem.status !== 401) return happen(id, { type: 'end', phase: isLost ? 'lost' : 'refused', problem })
  happen(id, { type: 'end', phase: 'waiting', problem: null })
  set({ keyProblem: problem })
}

/** Has a document read; returns why that did not work, or null. */
async function ask(
  { happen, begin }: Screen,
  { gateway, send }: ReadingSurroundings,
  { id, file }: OpenDocument,
  work: Work,
  signal: AbortSignal,
): Promise<Failure | null> {
  try {
    const document = await send(file, (share) => happen(id, { type: 'sent', share }), signal)
    try {
      happen(id, { type: 'ask' })
      const { model, options } = begin(id)
      for await (const event of gateway.read({ model, document, ocr: askedOptions(options, work) }, signal)) {
        if (signal.aborted) return null
        if (event.type === 'text') work.hasRetried = false
        happen(id, event)
      }
      return null
    } finally {
      if ('fileId' in document) gateway.deleteFile(document.fileId).catch(() => undefined)
    }
  } catch (error) {
    return { problem: problemIn(error), isLost: error instanceof ConnectionLost }
  }
}

/** What the playground asks for of its own accord: pictures of pages, and figures that it can show. */
function askedOptions(
  options: Readonly<Record<string, unknown>>,
  { password, isRefresh }: Work,
): Record<string, unknown> {
  return {
    figures: 'reference',
    ...options,
    // A dry run writes nothing, and draws nothing that is shown.
    ...(options['dry_run'] === true ? {} : { preview: true }),
    ...(password === null ? {} : { password }),
    ...(isRefresh ? { cache: 'refresh' } : {}),
  }
}

/** Reads why something was thrown. */
export function problemIn(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem
  const message = error instanceof ConnectionLost ? error.message : `The file cannot be read: ${String(error)}`
  return { status: null, code: null, message }
}

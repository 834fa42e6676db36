import { filePart } from '../documents.ts'
import { askAs, type Outcome } from './client.ts'
import { HONEST_CODES, judgeAgain, judgeAnswer, judgeBeginning, type Judged } from './judge.ts'
import { drawDocument, pagesOf, type Job } from './plan.ts'

/** What all clients together have seen. */
export interface Seen {
  /** Pages of the plan whose client has what it wanted, or gave up. */
  donePages: number
  /** Every promise that was broken, with its job. */
  readonly problems: string[]
  /** Requests by how they ended. */
  readonly requests: Record<string, number>
  /** Pages of whole answers by their status. */
  readonly pages: Record<string, number>
  /** Pages that a client waited for to the end, and that an engine would have read sooner or later; and those not read. */
  readonly readable: { asked: number; lost: number }
  /** The longest that a request took, by its share of what it might take. */
  longestShare: number
  longestSeconds: number
  longestSilenceSeconds: number
}

/** What the clients need to know of the gateway. */
export interface RunOptions {
  readonly url: string
  readonly clients: number
  readonly textOf: (number: number) => string
  /** Whether an engine reads a page well in the end. */
  readonly isReadable: (number: number) => boolean
  /** The longest that a request may take. */
  readonly limitSeconds: (job: Job) => number
  /** The longest that a stream may be silent. */
  readonly longestSilenceSeconds: number
  readonly seen: Seen
}

/** Starts to look. */
export function nothingSeen(): Seen {
  return {
    donePages: 0,
    problems: [],
    requests: {},
    pages: {},
    readable: { asked: 0, lost: 0 },
    longestShare: 0,
    longestSeconds: 0,
    longestSilenceSeconds: 0,
  }
}

/** Lets so many clients do the jobs, one after another each; resolves when all are done. */
export async function runJobs(jobs: readonly Job[], options: RunOptions): Promise<void> {
  const queue = jobs.entries()
  const work = async (): Promise<void> => {
    for (const [index, job] of queue) {
      await runJob(`job ${index}`, job, options)
      options.seen.donePages += pagesOf(job).filter((number) => number !== null).length
    }
  }
  await Promise.all(Array.from({ length: options.clients }, work))
}

async function runJob(name: string, job: Job, options: RunOptions): Promise<void> {
  const parts = job.documents.map((document) => filePart(drawDocument(document)))
  const ask = async (what: string, as: Job): Promise<Outcome> => {
    const seconds = options.limitSeconds(job)
    const outcome = await askAs(as, options.url, parts, { seconds })
    const told = judgeOutcome(as, outcome, options).map((problem) => `${name} ${what}${describeJob(as)}: ${problem}`)
    options.seen.problems.push(...told)
    look(as, outcome, seconds, options)
    return outcome
  }
  const twin = job.hasTwin ? ask("'s twin", { ...job, leaves: null }) : null
  const first = await ask('', job)
  await twin
  if (isWhole(first) || !job.asksAgain) return
  const second = await ask(' again', { ...job, leaves: null, onPageError: 'mark' })
  if (first.answer === null || second.answer === null) return
  const told = judgeAgain(first.answer, second.answer).map((problem) => `${name} again: ${problem}`)
  options.seen.problems.push(...told)
}

function isWhole({ answer }: Outcome): boolean {
  return answer !== null && answer.ocr.pages.every(({ status }) => status !== 'pending' && status !== 'failed')
}

/** Returns everything about a request's end that breaks a promise. */
export function judgeOutcome(
  job: Job,
  outcome: Outcome,
  { textOf, longestSilenceSeconds }: Pick<RunOptions, 'textOf' | 'longestSilenceSeconds'>,
): string[] {
  const documents = job.documents.map(({ pages }) => pages)
  const silence =
    job.stream && outcome.silentSeconds > longestSilenceSeconds
      ? [`its stream was silent for ${outcome.silentSeconds.toFixed(1)} s`]
      : []
  return [...silence, ...judgeEnding(job, outcome, { documents, textOf })]
}

function judgeEnding(job: Job, outcome: Outcome, known: Pick<Judged, 'documents' | 'textOf'>): string[] {
  const { kind, answer, code, status, content, announced, seconds } = outcome
  switch (kind) {
    case 'answered': {
      if (answer === null) return ['it was answered with nothing']
      return judgeAnswer({ ...known, ...answer, hasTimeLimit: job.timeoutSeconds !== null, announced })
    }
    case 'left':
      return job.leaves === null ? ['it was broken off'] : judgeBeginning(content, known)
    case 'refused':
      return isHonest(code, status) ? [] : [`it was refused with ${status} ${code}`]
    case 'failed in its stream': {
      // Pages that were read must not be lost with those that were not, unless the client wants it so.
      const mayFail = content === '' || job.onPageError === 'fail'
      const failed =
        mayFail && isHonest(code, null) ? [] : [`its stream failed with ${code} behind ${content.length} characters`]
      return [...failed, ...judgeBeginning(content, known)]
    }
    default:
      return [`it was ${kind} after ${seconds.toFixed(1)} s: ${code}`]
  }
}

/** `queue_full` is no failure: whoever is told so at once may come again. */
function isHonest(code: string | null, status: number | null): boolean {
  if (code === 'queue_full') return status === 429
  return HONEST_CODES.includes(code ?? '') && (status === null || status >= 502)
}

function look(job: Job, outcome: Outcome, limitSeconds: number, { seen, isReadable }: RunOptions): void {
  const { kind, code, answer, seconds, silentSeconds } = outcome
  const how = [kind, ...(kind === 'answered' || code === null ? [] : [code])].join(': ')
  seen.requests[how] = (seen.requests[how] ?? 0) + 1
  for (const { status } of answer?.ocr.pages ?? []) seen.pages[status] = (seen.pages[status] ?? 0) + 1
  seen.longestShare = Math.max(seen.longestShare, seconds / limitSeconds)
  seen.longestSeconds = Math.max(seen.longestSeconds, seconds)
  if (kind !== 'left') lookForLost(job, outcome, seen, isReadable)
  if (job.stream) seen.longestSilenceSeconds = Math.max(seen.longestSilenceSeconds, silentSeconds)
}

function lookForLost(job: Job, { answer }: Outcome, { readable }: Seen, isReadable: RunOptions['isReadable']): void {
  for (const [index, number] of pagesOf(job).entries()) {
    const status = answer?.ocr.pages[index]?.status
    if (number === null || !isReadable(number) || status === 'pending') continue
    readable.asked += 1
    if (status === undefined || status === 'failed') readable.lost += 1
  }
}

function describeJob({ documents, stream, timeoutSeconds, leaves }: Job): string {
  const pages = documents.map((document) => document.pages.length).join('+')
  const limit = timeoutSeconds === null ? '' : `, with ${timeoutSeconds} s`
  return ` (${pages} pages, ${stream ? 'streamed' : 'whole'}${limit}${leaves === null ? '' : ', leaving'})`
}

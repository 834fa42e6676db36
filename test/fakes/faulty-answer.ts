import type { PageFault, PlannedPage } from '../support/faults/pages.ts'
import { pageTag } from '../support/faults/pages.ts'
import { httpError, scalingError, type FakeHttpError } from './fake-vllm-errors.ts'
import { toDeltas, type ScriptedAnswer } from './fake-vllm-answer.ts'

const ENGINE_DEAD = 'EngineCore encountered an issue. See stack trace (above) for the root cause.'

/** What every page is answered while the engine behind a server is dead. */
export const engineDead = failure(httpError(500, 'InternalServerError', ENGINE_DEAD, null))

/** What `--max-num-queued-reqs` answers to who comes too many. */
export const queueFull = failure(httpError(503, 'ServiceUnavailableError', 'The request queue is full.', null))

function failure({ status, body }: FakeHttpError): ScriptedAnswer {
  return { failure: { status, body } }
}

/** Answers a page well. */
export function goodAnswer(page: PlannedPage): ScriptedAnswer {
  return { deltas: inPieces(page.text), firstDelayMs: page.firstDelayMs, delayMs: page.delayMs }
}

/** Answers a page as its fault has it. */
export function faultyAnswer(page: PlannedPage, fault: PageFault): ScriptedAnswer {
  const { firstDelayMs, delayMs } = page
  const pace = { firstDelayMs, delayMs }
  const half = inPieces(page.text.slice(0, page.text.length / 2))
  const answers: Record<PageFault, ScriptedAnswer> = {
    loop: loop(page, `and once more the clock of ${pageTag(page.number)} says what it said before, `),
    'loop of signs': loop(page, '| | | | '),
    empty: { ...pace, text: '' },
    commentary: { ...pace, text: 'There is no content in the provided image.' },
    abort: { ...pace, deltas: half, finishReason: 'abort' },
    length: { ...pace, deltas: half, finishReason: 'length' },
    'error event': { ...pace, deltas: half, ending: 'error' },
    'stream broken': { ...pace, deltas: half, ending: 'break' },
    'stream ended early': { ...pace, deltas: half, ending: 'end' },
    'stream broken after its finish': { ...pace, deltas: inPieces(page.text), ending: 'break-after-finish' },
    'connection closed': { refuse: true },
    '500': engineDead,
    '503': queueFull,
    '503 with a string': failure(scalingError()),
    silence: { silent: true },
  }
  return answers[fault]
}

/** Begins well and then repeats itself until `max_tokens`: only who leaves is spared the rest. */
function loop({ text }: PlannedPage, piece: string): ScriptedAnswer {
  const begun = inPieces(text.slice(0, text.length / 2))
  const pieces = Array.from({ length: 1500 }, () => piece)
  return { deltas: [...begun, ...pieces], delayMs: 1, finishReason: 'length' }
}

/** Several tokens a chunk, as `stream_interval` has it: fewer timers on a machine with little to spare. */
function inPieces(text: string): string[] {
  const tokens = toDeltas(text)
  return Array.from({ length: Math.ceil(tokens.length / 8) }, (_, at) => tokens.slice(at * 8, at * 8 + 8).join(''))
}

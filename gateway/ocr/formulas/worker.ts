import { parentPort } from 'node:worker_threads'
import katex, { renderToString, type KatexOptions } from 'katex'
import type { Formula } from '../markdown/find-formulas.ts'

/*
 * A thread's entry: it receives formulas, and answers with what is wrong with each, in their order and in several messages.
 * KaTeX cannot be interrupted: whoever waits too long ends the thread.
 */

/** What was checked is sent so often. */
const SEND_EVERY_MS = 20
/** What may take long: what was checked before it is sent, and kept when the thread is ended. */
const MAY_BE_SLOW = /^[^]{400}|\\(?:[egx]?def|(?:re)?newcommand|providecommand|(?:future)?let)/
const MAX_MESSAGE_CHARACTERS = 200

const port = parentPort
if (port === null) throw new Error('formulas/worker.ts runs as a worker thread only')
port.on('message', (formulas: readonly Formula[]) => {
  let verdicts: (string | null)[] = []
  let sentAt = performance.now()
  const send = () => {
    port.postMessage(verdicts)
    verdicts = []
    sentAt = performance.now()
  }
  for (const formula of formulas) {
    if (performance.now() - sentAt > SEND_EVERY_MS || MAY_BE_SLOW.test(formula.tex)) send()
    verdicts.push(verdictOf(formula))
  }
  send()
})
// It is ready.
port.postMessage([])

/** Its types lack it: the first half of `renderToString`, in which formulas that are no TeX fail. */
const parse = (katex as unknown as Record<string, (tex: string, options: KatexOptions) => unknown>)['__parse']

function verdictOf({ tex, isDisplay }: Formula): string | null {
  try {
    const options = {
      displayMode: isDisplay,
      throwOnError: true,
      strict: 'ignore',
      maxExpand: 1000,
      trust: false,
    } as const
    void (parse ?? renderToString)(tex, options)
    return null
  } catch (thrown) {
    if (thrown instanceof RangeError) return 'Nested too deeply'
    const {
      rawMessage,
      message,
      position = -1,
    } = thrown as Error & { readonly rawMessage?: string; readonly position?: number }
    const said = position < 0 ? (rawMessage ?? message) : `${rawMessage} at position ${position + 1}`
    return said.slice(0, MAX_MESSAGE_CHARACTERS)
  }
}

import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Playground } from '../state/playground.ts'
import type { OpenDocument } from '../state/screen.ts'
import type { Problem } from '../stream/problem.ts'

interface Props {
  readonly playground: Playground
  readonly document: OpenDocument
}

/** What went wrong with a document, and what to do about it. */
export function Notice({ playground, document }: Props): VNode | null {
  const { id, reading } = document
  const { phase, problem } = reading
  if (phase === 'stopped') {
    return (
      <Bar>
        <p>Cancelled. What was read stays here.</p>
        <button type="button" onClick={() => playground.goOn(id)}>
          Go on
        </button>
      </Bar>
    )
  }
  if (phase === 'done') return <Warnings document={document} />
  if (problem === null) return null
  if (isLocked(problem)) return <Locked playground={playground} document={document} problem={problem} />
  return (
    <Bar isProblem>
      <p>
        {phase === 'lost' && reading.pages.length > 0 && 'What came so far stays here. '}
        {problem.message}
        {problem.code !== null && <code class="code">{problem.code}</code>}
      </p>
      {isFinal(problem) ? (
        <button type="button" onClick={() => playground.close(id)}>
          Close
        </button>
      ) : (
        <button type="button" onClick={() => playground.goOn(id)}>
          {phase === 'lost' ? 'Go on' : 'Try again'}
        </button>
      )}
    </Bar>
  )
}

function Bar({
  children,
  isProblem = false,
}: {
  readonly children: ComponentChildren
  readonly isProblem?: boolean
}): VNode {
  return (
    <div class="notice" data-problem={isProblem} role={isProblem ? 'alert' : undefined}>
      {children}
    </div>
  )
}

/** What the first page says of the whole document: who does not open its story must learn it, too. */
const OF_THE_DOCUMENT = new Set(['document_is_portfolio', 'converted'])

/** What the gateway has to say of the whole document. Figures are asked for whether the model marks any or not. */
function Warnings({ document: { reading } }: { readonly document: OpenDocument }): VNode | null {
  const { warnings: all = [], pages = [] } = reading.ocr ?? {}
  const warnings = [
    ...all.filter(({ code, message }) => code !== 'option_ignored' || !message.includes('figures')),
    ...(pages[0]?.warnings ?? []).filter(({ code }) => OF_THE_DOCUMENT.has(code)),
  ]
  if (warnings.length === 0) return null
  return (
    <Bar>
      <ul class="plain">
        {warnings.map(({ code, message }) => (
          <li key={code + message}>{message}</li>
        ))}
      </ul>
    </Bar>
  )
}

/** Whether the same would be said again: of a document that cannot be read. */
function isFinal({ status }: Problem): boolean {
  return status === 413 || status === 415
}

/** Whether a document wants a password. */
export function isLocked({ code }: Problem): boolean {
  return code === 'document_encrypted' || code === 'wrong_password'
}

function Locked({ playground, document: { id }, problem }: Props & { readonly problem: Problem }): VNode {
  const [password, setPassword] = useState('')
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => field.current?.focus(), [])
  const isWrong = problem.code === 'wrong_password'
  const open = (event: Event): void => {
    event.preventDefault()
    if (password !== '') playground.unlock(id, password)
  }
  return (
    <form class="notice" data-problem={isWrong} onSubmit={open}>
      <p role="alert">{isWrong ? 'This password does not open the document.' : 'The document is encrypted.'}</p>
      <label class="inline-field">
        <span>Password</span>
        <input
          ref={field}
          type="password"
          autocomplete="off"
          value={password}
          aria-invalid={isWrong}
          onInput={({ currentTarget }) => setPassword(currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary">
        Open
      </button>
    </form>
  )
}

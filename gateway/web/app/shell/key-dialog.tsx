import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { Playground } from '../state/playground.ts'
import type { PlaygroundState } from '../state/screen.ts'
import { Dialog } from './dialog.tsx'

/** Asks for the key that the gateway wants to see. */
export function KeyDialog({
  playground,
  state,
}: {
  readonly playground: Playground
  readonly state: PlaygroundState
}): VNode {
  const [key, setKey] = useState('')
  const { hasKey, keyProblem } = state
  const isRefused = keyProblem !== null && keyProblem.message !== ''
  const save = (event: Event): void => {
    event.preventDefault()
    if (key.trim() !== '') playground.setKey(key.trim())
  }
  return (
    <Dialog title="API key" onClose={() => playground.askForKey(false)}>
      <form class="stack" onSubmit={save}>
        {isRefused && !hasKey && <p role="alert">This gateway asks for a key.</p>}
        {isRefused && hasKey && (
          <p class="problem-text" role="alert">
            This key is not accepted. <span class="quiet-text">{keyProblem.message}</span>
          </p>
        )}
        <label class="field">
          <span>Key</span>
          <input
            type="password"
            autofocus
            autocomplete="off"
            spellcheck={false}
            value={key}
            onInput={({ currentTarget }) => setKey(currentTarget.value)}
            aria-invalid={isRefused && hasKey}
          />
        </label>
        <p class="quiet-text">It stays in this tab, until you close it, and is sent to this gateway alone.</p>
        <div class="row">
          <button type="submit" class="primary">
            Use this key
          </button>
          {hasKey && (
            <button type="button" onClick={() => playground.setKey(null)}>
              Forget the key
            </button>
          )}
        </div>
      </form>
    </Dialog>
  )
}

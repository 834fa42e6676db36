import type { VNode } from 'preact'
import { useState } from 'preact/hooks'

/** Asks for the key that the status is shown with. */
export function KeyForm({
  why,
  hadKey,
  onKey,
}: {
  readonly why: string
  readonly hadKey: boolean
  readonly onKey: (key: string) => void
}): VNode {
  const [key, setKey] = useState('')
  const save = (event: Event): void => {
    event.preventDefault()
    if (key.trim() !== '') onKey(key.trim())
  }
  return (
    <form class="key-form" onSubmit={save}>
      <h2>An operator&rsquo;s key is needed</h2>
      <p class="quiet-text">It stays in this tab, and is forgotten when the tab is closed.</p>
      <label class="field">
        <span>Key</span>
        <input
          type="password"
          autocomplete="off"
          spellcheck={false}
          value={key}
          aria-invalid={hadKey}
          aria-describedby={hadKey ? 'key-problem' : undefined}
          onInput={({ currentTarget }) => setKey(currentTarget.value)}
        />
      </label>
      {hadKey && (
        <p id="key-problem" class="warning" role="alert">
          {why}
        </p>
      )}
      <button type="submit" class="primary">
        Show the status
      </button>
    </form>
  )
}

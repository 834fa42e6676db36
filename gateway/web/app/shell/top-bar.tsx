import type { VNode } from 'preact'
import type { Playground } from '../state/playground.ts'
import type { PlaygroundState } from '../state/screen.ts'
import { DocumentTabs } from './document-tabs.tsx'
import { ThemeChoice } from './theme-choice.tsx'

interface Props {
  readonly playground: Playground
  readonly state: PlaygroundState
  readonly onChoose: () => void
  readonly onOptions: () => void
  readonly onHelp: () => void
}

/** What holds for all documents. */
export function TopBar({ playground, state, onChoose, onOptions, onHelp }: Props): VNode {
  const { models, model, options, hasKey } = state
  const changed = Object.keys(options).length
  return (
    <header class="top-bar">
      <p class="brand">ocr-gateway</p>
      {state.documents.length > 0 && <DocumentTabs playground={playground} state={state} onChoose={onChoose} />}
      <label class="inline-field model-field">
        <span>Model</span>
        <select value={model} onChange={({ currentTarget }) => playground.setModel(currentTarget.value)}>
          {(models.length > 0 ? models : [model]).map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </label>
      <button type="button" class="options-button" onClick={onOptions}>
        Options
        {changed > 0 && (
          <span class="count" aria-label={`${changed} changed`}>
            {changed}
          </span>
        )}
      </button>
      <button type="button" onClick={() => playground.askForKey(true)}>
        {hasKey ? 'Key set' : 'Key'}
      </button>
      <ThemeChoice />
      <button type="button" class="square" aria-label="Help" onClick={onHelp}>
        ?
      </button>
    </header>
  )
}

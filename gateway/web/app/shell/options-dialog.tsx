import type { VNode } from 'preact'
import { OptionsForm } from '../options/options-form.tsx'
import type { Playground } from '../state/playground.ts'
import type { PlaygroundState } from '../state/screen.ts'
import { Dialog } from './dialog.tsx'

interface Props {
  readonly playground: Playground
  readonly state: PlaygroundState
  readonly onClose: () => void
}

/** How documents are to be read. */
export function OptionsDialog({ playground, state, onClose }: Props): VNode {
  const { schema, options, current } = state
  const readAgain = (): void => {
    if (current !== null) playground.readAgain(current)
    onClose()
  }
  return (
    <Dialog title="Options" onClose={onClose}>
      {schema === null ? (
        <p>This gateway does not describe its options at /openapi.json, so there is no form for them.</p>
      ) : (
        <OptionsForm schema={schema} value={{ ...options }} onChange={playground.setOptions} isDisabled={false} />
      )}
      <div class="row dialog-foot">
        {current === null ? (
          <button type="button" class="primary" onClick={onClose}>
            Done
          </button>
        ) : (
          <>
            <button type="button" class="primary" onClick={readAgain}>
              Read again with these
            </button>
            <button type="button" onClick={onClose}>
              Keep for the next document
            </button>
          </>
        )}
        {Object.keys(options).length > 0 && (
          <button type="button" class="quiet" onClick={() => playground.setOptions({})}>
            Back to the defaults
          </button>
        )}
      </div>
    </Dialog>
  )
}

import type { VNode } from 'preact'
import { Dialog } from './dialog.tsx'

const SHORTCUTS = [
  ['o', 'Open files'],
  ['j', 'Next page'],
  ['k', 'Page before'],
  ['s', 'Rendered or source'],
  ['?', 'This help'],
  ['Esc', 'Close what is open'],
] as const

/** What can be done, and with which keys. */
export function HelpDialog({ onClose }: { readonly onClose: () => void }): VNode {
  return (
    <Dialog title="Help" onClose={onClose}>
      <p>
        Drop, paste or choose PDFs and images. Pages appear on the left as they are drawn, their text on the right in
        page order. The badge of a page tells how it was read.
      </p>
      <p>Documents and keys are not stored: reloading the page empties it.</p>
      <h3>Keys</h3>
      <dl class="keys">
        {SHORTCUTS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="quiet-text">
        For programs: <a href="docs">the API</a>, <a href="openapi.json">its description</a>.
      </p>
    </Dialog>
  )
}

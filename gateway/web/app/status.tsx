import { render } from 'preact'
import { App } from './status/app.tsx'
import { createKeyStore } from './shell/key-store.ts'
import { createStatusStore } from './status/store.ts'
import { followStatus } from './status/stream.ts'
// Bundled beside the script.
// oxlint-disable-next-line import/no-unassigned-import
import './status/status.css'

const store = createStatusStore({
  // Not the playground's: it may be another one, with other rights.
  key: createKeyStore('ocr-gateway-admin-key'),
  follow: (options) => followStatus('status/events', (address, init) => fetch(address, init), options),
  now: () => performance.now(),
})

// A page that nobody sees takes no place from those that somebody does.
document.addEventListener('visibilitychange', () => store.setHidden(document.visibilityState === 'hidden'))

const root = document.getElementById('root')
if (root !== null) {
  render(<App store={store} />, root)
  store.setHidden(document.visibilityState === 'hidden')
}

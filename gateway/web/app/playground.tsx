import { render } from 'preact'
import { App } from './shell/app.tsx'
import { createKeyStore } from './shell/key-store.ts'
import { createPlayground } from './state/playground.ts'
import { createGateway } from './stream/gateway.ts'
import type { SentDocument } from './stream/request-body.ts'
import { base64Of, MAX_INLINE_BYTES, sendFile } from './stream/send-file.ts'
import './style/playground.css'

const key = createKeyStore('ocr-gateway-key')

const playground = createPlayground({
  key,
  gateway: createGateway(key.get, (input, init) => fetch(input, init)),
  send: async (file, onShare, signal): Promise<SentDocument> => {
    const { name, type } = file
    if (file.size > MAX_INLINE_BYTES) return { name, fileId: await sendFile(file, key.get(), onShare, signal) }
    return { name, base64: await base64Of(file), mediaType: type === '' ? 'application/octet-stream' : type }
  },
  now: () => performance.now(),
  pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  beforePaint,
})

/** Tabs in the background are not painted, but must go on. */
function beforePaint(callback: () => void): void {
  if (document.visibilityState === 'visible') requestAnimationFrame(callback)
  else setTimeout(callback, 100)
}

const root = document.getElementById('root')
if (root !== null) {
  render(<App playground={playground} readsOffice={root.dataset['office'] !== undefined} />, root)
  void playground.connect()
}

import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { codeSamples } from '../samples/code-samples.ts'
import type { PlaygroundState } from '../state/screen.ts'
import { CopyButton } from './copy-button.tsx'
import { Dialog } from './dialog.tsx'

const LANGUAGES = { curl: 'curl', python: 'Python', typescript: 'TypeScript' } as const
type Language = keyof typeof LANGUAGES

/** The same request for a program. */
export function CodeDialog({
  state,
  onClose,
}: {
  readonly state: PlaygroundState
  readonly onClose: () => void
}): VNode {
  const [language, setLanguage] = useState<Language>('curl')
  const { documents, current, model, options, hasKey } = state
  const files = documents
    .filter(({ id }) => id === current)
    .map(({ file: { name, type } }) => ({ name, mediaType: type === '' ? 'application/pdf' : type }))
  const code = codeSamples({
    baseUrl: new URL('v1', document.baseURI).href,
    model,
    files,
    ocr: { ...options },
    hasKey,
  })[language]
  return (
    <Dialog title="The same in code" onClose={onClose}>
      <div class="row">
        <div class="choices" role="group" aria-label="Language">
          {(Object.keys(LANGUAGES) as Language[]).map((each) => (
            <button key={each} type="button" aria-pressed={each === language} onClick={() => setLanguage(each)}>
              {LANGUAGES[each]}
            </button>
          ))}
        </div>
        <CopyButton text={() => code} />
      </div>
      <pre class="source code-sample" tabIndex={0}>
        <code>{code}</code>
      </pre>
    </Dialog>
  )
}

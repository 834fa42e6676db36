import type { VNode } from 'preact'
import { useRef } from 'preact/hooks'
import { asJson, asMarkdown, asZip, type ReadResult } from '../download/downloads.ts'
import type { Playground } from '../state/playground.ts'
import { isBusy, markdownOf } from '../state/reading.ts'
import type { OpenDocument, PlaygroundState } from '../state/screen.ts'
import { CopyButton } from './copy-button.tsx'
import { ProgressLine } from './progress-line.tsx'

interface Props {
  readonly playground: Playground
  readonly document: OpenDocument
  readonly isSource: boolean
  readonly onSource: (isSource: boolean) => void
  readonly onCode: () => void
}

/** What can be done with a document. */
export function ToolBar({ playground, document: opened, isSource, onSource, onCode }: Props): VNode {
  const { id, reading } = opened
  const isUnderWay = isBusy(reading) || reading.phase === 'waiting'
  const hasText = reading.pages.some(({ text }) => text !== null)
  return (
    <div class="tool-bar">
      <ProgressLine reading={reading} />
      <div class="tools">
        <div class="choices text-as" role="group" aria-label="Text as">
          <button type="button" aria-pressed={!isSource} onClick={() => onSource(false)}>
            Rendered
          </button>
          <button type="button" aria-pressed={isSource} onClick={() => onSource(true)}>
            Source
          </button>
        </div>
        <CopyButton text={() => markdownOf(reading)} isDisabled={!hasText} />
        <Downloads document={opened} isDisabled={!hasText} />
        <button type="button" onClick={onCode}>
          Code
        </button>
        {isUnderWay ? (
          <button type="button" onClick={() => playground.cancel(id)}>
            Cancel
          </button>
        ) : (
          <button
            type="button"
            class={isOutdated(opened, playground.state()) ? 'primary' : undefined}
            onClick={() => playground.readAgain(id)}
          >
            Read again
          </button>
        )}
      </div>
    </div>
  )
}

/** Whether something else is set than what the document was read with. */
function isOutdated({ readWith }: OpenDocument, { model, options }: PlaygroundState): boolean {
  return readWith !== null && (readWith.model !== model || readWith.options !== options)
}

function Downloads({
  document: opened,
  isDisabled,
}: {
  readonly document: OpenDocument
  readonly isDisabled: boolean
}): VNode {
  const menu = useRef<HTMLDetailsElement>(null)
  const close = (): void => menu.current?.removeAttribute('open')
  const closeOnEscape = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return
    close()
    menu.current?.querySelector('summary')?.focus()
  }
  const closeOutside = ({ relatedTarget }: FocusEvent): void => {
    if (!(relatedTarget instanceof Node && menu.current?.contains(relatedTarget) === true)) close()
  }
  const result = resultOf(opened)
  const download = (extension: string, blob: Promise<Blob> | Blob): void => {
    close()
    void Promise.resolve(blob).then((made) => save(made, `${baseName(opened.file.name)}.${extension}`))
  }
  return (
    <details class="menu" ref={menu} onKeyDown={closeOnEscape} onFocusOut={closeOutside} data-disabled={isDisabled}>
      <summary class="button" aria-disabled={isDisabled} onClick={(event) => isDisabled && event.preventDefault()}>
        Download
      </summary>
      <div class="menu-items">
        <button type="button" onClick={() => download('md', asMarkdown(result ?? textOnly(opened)))}>
          Markdown (.md)
        </button>
        <button
          type="button"
          disabled={result === null}
          onClick={() => result !== null && download('json', asJson(result))}
        >
          With the ledger (.json)
        </button>
        <button
          type="button"
          disabled={result === null}
          onClick={() => result !== null && download('zip', asZip(result))}
        >
          With figures (.zip)
        </button>
      </div>
    </details>
  )
}

/** Null: the ledger, which comes last, is not there. */
function resultOf({ file, reading }: OpenDocument): ReadResult | null {
  const { ocr } = reading
  return ocr === null ? null : { name: baseName(file.name), markdown: markdownOf(reading), ocr }
}

function textOnly({ file, reading }: OpenDocument): ReadResult {
  const document = { sha256: '', media_type: file.type, pages: reading.pages.length }
  return { name: baseName(file.name), markdown: markdownOf(reading), ocr: { document, task: '', pages: [] } }
}

function baseName(name: string): string {
  return name.replace(/\.[a-z0-9]{1,5}$/i, '') || 'document'
}

/** How long a browser may take to begin a download. */
const SAVE_MILLISECONDS = 60_000

function save(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), SAVE_MILLISECONDS)
}

import type { VNode } from 'preact'

interface Props {
  readonly readsOffice: boolean
  readonly onChoose: () => void
  readonly onSample: () => void
}

/** What is there before there is a document. */
export function EmptyScreen({ readsOffice, onChoose, onSample }: Props): VNode {
  return (
    <main class="empty">
      <div class="drop-zone">
        <h1>Drop a document to read it</h1>
        <p class="lead">
          {readsOffice ? 'PDFs, images, Office documents and mail' : 'PDFs and images'}, several at once. Or paste a
          screenshot.
        </p>
        <div class="row center">
          <button type="button" class="primary large" onClick={onChoose}>
            Choose files
          </button>
          <button type="button" class="large" onClick={onSample}>
            Try the sample
          </button>
        </div>
        <p class="quiet-text">
          PDF, TIFF, PNG, JPEG, HEIC, WebP, AVIF, GIF, BMP, JPEG 2000
          {readsOffice && ', Word, Excel, PowerPoint, OpenDocument, Visio, RTF, EPUB, HTML, EML'}
        </p>
      </div>
      <p class="quiet-text foot">
        Documents go to this gateway alone, and are forgotten with the page. Programs use the same through{' '}
        <a href="docs">the API</a>.
      </p>
    </main>
  )
}

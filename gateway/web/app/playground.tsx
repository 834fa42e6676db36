import { render } from 'preact'

/** The playground: documents in, pages and their Markdown beside each other. */
function Playground() {
  return <main>ocr-gateway</main>
}

const root = document.getElementById('root')
if (root !== null) render(<Playground />, root)

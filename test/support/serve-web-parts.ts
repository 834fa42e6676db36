import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import { build } from 'esbuild'
import { CONTENT_SECURITY_POLICY, htmlPage } from '../../gateway/web/html-page.ts'

const app = join(import.meta.dirname, '../../gateway/web/app')

/** Puts the playground's pieces into `parts`, where a test can call them from outside of the page. */
const ENTRY = `
import './style/base.css'
import './style/controls.css'
import { h, render } from 'preact'
import { TextDiff } from './diff/text-diff.tsx'
import { asZip } from './download/downloads.ts'
import { renderMarkdown } from './markdown/render-markdown.ts'
import { OptionsForm } from './options/options-form.tsx'

const main = document.createElement('main')
// Tools that look at contrasts must know what is behind the text.
main.style.background = 'Canvas'
main.style.color = 'CanvasText'
document.body.append(main)
let stop = () => {}
const clear = () => {
  stop()
  render(null, main)
  return main.appendChild(document.createElement('div'))
}
function Form({ schema, isDisabled }) {
  const show = (value) => {
    parts.value = value
    render(h(OptionsForm, { schema, value, isDisabled, onChange: show }), parts.target)
  }
  show(parts.value)
}
globalThis.parts = {
  value: {},
  markdown(text, figures = {}) {
    main.replaceChildren()
    stop = renderMarkdown(clear(), text, { urlOf: (name) => figures[name] ?? null })
  },
  markdowns(texts) {
    main.replaceChildren()
    clear()
    for (const text of texts) renderMarkdown(main.appendChild(document.createElement('div')), text, { urlOf: () => null })
  },
  diff(layer, text) {
    main.replaceChildren()
    render(h(TextDiff, { layer, text }), clear())
  },
  form(schema, value = {}, isDisabled = false) {
    main.replaceChildren()
    parts.value = value
    parts.target = clear()
    Form({ schema, isDisabled })
  },
  async zip(result) {
    const bytes = new Uint8Array(await (await asZip(result)).arrayBuffer())
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
  },
}
`

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  css: 'text/css',
  woff2: 'font/woff2',
}

/** The playground's pieces on a page that may do what the playground's may. */
export interface WebParts extends AsyncDisposable {
  readonly url: string
}

/** Bundles the pieces and serves them, as the gateway serves the playground. */
export async function serveWebParts(): Promise<WebParts> {
  const files = await bundle()
  const page = htmlPage({
    title: 'Pieces',
    description: 'The pieces of the playground.',
    icon: 'data:,',
    scripts: ['parts.js'],
    styles: ['parts.css'],
    readsOffice: false,
  })
  const server = createServer((request, response) => {
    const name = basename(request.url ?? '/')
    const file = files.get(name)
    const type = TYPES[name.split('.').at(-1) ?? ''] ?? 'text/html; charset=utf-8'
    response.writeHead(file === undefined && name !== '' ? 404 : 200, {
      'content-type': type,
      'content-security-policy': CONTENT_SECURITY_POLICY,
    })
    response.end(file ?? page)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function bundle(): Promise<ReadonlyMap<string, Uint8Array>> {
  const { outputFiles } = await build({
    stdin: { contents: ENTRY, resolveDir: app, loader: 'tsx', sourcefile: 'parts.tsx' },
    outdir: app,
    entryNames: 'parts',
    write: false,
    bundle: true,
    format: 'esm',
    splitting: true,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    loader: { '.woff2': 'file', '.woff': 'empty', '.ttf': 'empty' },
    logLevel: 'warning',
  })
  return new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]))
}

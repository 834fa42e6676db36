/** What one stretch of a line looks like. */
export interface Span {
  readonly text: string
  /** In cells; wide characters take two. */
  readonly column: number
  readonly cells: number
  readonly look: Look
}

export type Look = 'plain' | 'dim' | 'red' | 'green' | 'yellow' | 'prompt'

/** What a terminal shows from a moment on. */
export interface Frame {
  /** Seconds from the beginning. */
  readonly at: number
  readonly lines: readonly (readonly Span[])[]
  readonly cursor: { readonly column: number; readonly line: number } | null
}

/** A recording of a terminal. */
export interface Recording {
  readonly title: string
  readonly columns: number
  readonly rows: number
  readonly seconds: number
  readonly frames: readonly Frame[]
}

/** Pixels of a cell, and what is left free around the text. */
const CELL = { width: 8.4, height: 19 }
const MARGIN = { x: 16, y: 14 }
const FONT = 14

const STYLE = `
svg { color-scheme: light dark; --paper: #f6f8fa; --edge: #d0d7de; --ink: #1f2328; --dim: #59636e; --red: #b3261e; --green: #1a7f37; --yellow: #855f00; --prompt: #0550ae }
@media (prefers-color-scheme: dark) { svg { --paper: #151b23; --edge: #3d444d; --ink: #e6edf3; --dim: #9198a1; --red: #ff7b72; --green: #56d364; --yellow: #e3b341; --prompt: #79c0ff } }
.paper { fill: var(--paper); stroke: var(--edge) }
text { font: ${FONT}px ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: var(--ink); white-space: pre }
.dim { fill: var(--dim) } .red { fill: var(--red) } .green { fill: var(--green) } .yellow { fill: var(--yellow) } .prompt { fill: var(--prompt) }
.cursor { fill: var(--ink); opacity: .6 }`

/**
 * Writes a recording as an SVG that plays by itself, again and again. The frames stand side by side and are moved past a
 * window; who wants no motion sees the last one. Each line that is shown is there once.
 */
export function recordingToSvg({ title, columns, rows, seconds, frames }: Recording): string {
  const width = Math.ceil(columns * CELL.width + 2 * MARGIN.x)
  const height = Math.ceil(rows * CELL.height + 2 * MARGIN.y)
  const lines = new Map<string, string>()
  const strip = frames.map((frame, index) => frameToSvg(frame, index * width, lines)).join('\n')
  const last = -(frames.length - 1) * width
  const steps = frames.map(({ at }, index) => `${percent(at / seconds)}{transform:translateX(${-index * width}px)}`)
  const motion = `@keyframes play{${steps.join('')}100%{transform:translateX(${last}px)}}
.strip { transform: translateX(${last}px); animation: play ${seconds}s step-end infinite }
@media (prefers-reduced-motion: reduce) { .strip { animation: none } }`
  const shown = [...lines].map(([line, id]) => `<g id="${id}">${line}</g>`).join('\n')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(title)}">
<title>${escapeXml(title)}</title>
<style>${STYLE}
${motion}</style>
<defs>
${shown}
</defs>
<rect class="paper" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8"/>
<svg width="${width}" height="${height}" overflow="hidden"><g class="strip">
${strip}
</g></svg>
</svg>
`
}

function frameToSvg({ lines, cursor }: Frame, left: number, known: Map<string, string>): string {
  const rows = lines.map((spans, row) => {
    const line = spans.map(spanToSvg).join('')
    if (line === '') return ''
    const id = known.get(line) ?? `l${known.size}`
    known.set(line, id)
    return `<use href="#${id}" y="${row * CELL.height}"/>`
  })
  const block =
    cursor === null
      ? ''
      : `<rect class="cursor" x="${at(cursor.column)}" y="${MARGIN.y + cursor.line * CELL.height + 1}" width="${CELL.width}" height="${CELL.height - 3}"/>`
  return `<g transform="translate(${left})">${rows.join('')}${block}</g>`
}

function spanToSvg({ text, column, cells, look }: Span): string {
  const bare = text.trimEnd()
  if (bare === '') return ''
  // Fonts differ in width: what stands in columns is held to them.
  const length = number((cells - (text.length - bare.length)) * CELL.width)
  const style = look === 'plain' ? '' : ` class="${look}"`
  return `<text${style} x="${at(column)}" y="${MARGIN.y + FONT}" textLength="${length}" lengthAdjust="spacingAndGlyphs">${escapeXml(bare)}</text>`
}

const at = (column: number): string => number(MARGIN.x + column * CELL.width)
const number = (value: number): string => String(Math.round(value * 10) / 10)
const percent = (share: number): string => `${Math.round(share * 10_000) / 100}%`

/** Makes any text harmless in XML: names of files may hold what they like. */
export function escapeXml(text: string): string {
  const marks: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  // XML has no way to write most control characters, and none to write half a character or U+FFFE.
  return text
    .replaceAll(/[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu, (character) => (/[\t\n\r]/.test(character) ? character : '\uFFFD'))
    .replaceAll(/[&<>"']/g, (mark) => marks[mark]!)
}

import 'katex/dist/katex.min.css'
import './markdown.css'
import { cutPieces, type Piece } from './cut-pieces.ts'
import { sanitise } from './sanitise.ts'
import { toHtml } from './to-html.ts'
import { createTypesetter, type Typesetter } from './typeset.ts'

/** The pictures that were cut out of the pages. */
export interface MarkdownFigures {
  /** URL (`data:` or `blob:`) of a picture that the Markdown names; null: unknown. */
  urlOf(name: string): string | null
}

/** What is shown of a page at first; pages of text are shorter by far. Each press of the button shows twice as much again. */
const FIRST_PORTION = 100_000
/** What takes longer than this for a portion is no text; the rest waits for the button. */
const PORTION_MS = 1000

/**
 * Renders a page's Markdown into an element, sanitised, in place of what it held. Formulas are typeset when they come into
 * view. Returns how to stop.
 */
export function renderMarkdown(target: HTMLElement, markdown: string, figures: MarkdownFigures): () => void {
  const typesetter = createTypesetter()
  const pieces = cutPieces(markdown)
  target.replaceChildren()
  target.classList.add('md')
  const rendering = { target, pieces, next: pieces.next(), figures, typesetter, left: markdown.length }
  showPortion(rendering, FIRST_PORTION)
  return () => typesetter.stop()
}

interface Rendering {
  readonly target: HTMLElement
  readonly pieces: Generator<Piece>
  /** What is shown next. */
  next: IteratorResult<Piece>
  readonly figures: MarkdownFigures
  readonly typesetter: Typesetter
  /** About so many characters are not shown. */
  left: number
}

function showPortion(rendering: Rendering, portion: number): void {
  const end = performance.now() + PORTION_MS
  for (let shown = 0; rendering.next.done !== true && shown < portion && performance.now() < end;) {
    const { value: piece } = rendering.next
    addPiece(rendering, piece)
    shown += piece.text.length
    rendering.left -= piece.text.length
    rendering.next = rendering.pieces.next()
  }
  if (rendering.next.done !== true) rendering.target.append(moreButton(rendering, portion * 2))
}

function moreButton(rendering: Rendering, portion: number): HTMLElement {
  const left = Math.max(rendering.left, 1)
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'md-more'
  button.textContent = `Show more (${left.toLocaleString('en')} characters left)`
  button.addEventListener('click', () => {
    const before = button.previousElementSibling
    button.remove()
    showPortion(rendering, portion)
    // The keyboard goes on where the new part begins.
    const first = before?.nextElementSibling ?? before
    if (first instanceof HTMLElement) {
      first.tabIndex = -1
      first.focus({ preventScroll: true })
    }
  })
  return button
}

function addPiece({ target, figures, typesetter }: Rendering, { kind, text }: Piece): void {
  if (kind === 'code') {
    const pre = document.createElement('pre')
    pre.dir = 'auto'
    pre.textContent = text
    target.append(pre)
    return
  }
  const body = sanitise(toHtml(text), figures)
  const table = kind === 'rows' ? [...target.querySelectorAll('table')].at(-1)?.tBodies[0] : undefined
  const added = document.createDocumentFragment()
  if (table === undefined) added.append(...body.childNodes)
  else added.append(...body.querySelectorAll('tbody > tr'))
  typesetter.watch(added)
  ;(table ?? target).append(added)
}

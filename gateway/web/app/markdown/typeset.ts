import type { default as katex, KatexOptions } from 'katex'
import { formulaAt } from './formulas.ts'

/** How long formulas may keep a frame waiting. */
const FRAME_MS = 8
/** A formula that becomes more than this is no formula, and would take the browser's layout with it. */
const MAX_ELEMENTS = 20_000
const MAX_DEPTH = 200
const MAX_NESTING = 40

/** Typesets the formulas of an element when they come near what can be seen. */
export interface Typesetter {
  /** Looks for formulas in what was added. */
  watch(added: ParentNode): void
  stop(): void
}

/** Creates the typesetter of one page. */
export function createTypesetter(): Typesetter {
  const waiting = new Set<HTMLElement>()
  let frame: number | null = null
  let isStopped = false
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) waiting.add(target as HTMLElement)
        else waiting.delete(target as HTMLElement)
      }
      if (waiting.size > 0) schedule()
    },
    // Within scrolled boxes the margin of the root counts for nothing.
    { rootMargin: '400px', scrollMargin: '400px' },
  )
  function schedule(): void {
    if (frame !== null || isStopped) return
    frame = requestAnimationFrame(() => void typesetSome())
  }
  async function typesetSome(): Promise<void> {
    const { default: typeset } = await import('katex')
    frame = null
    const end = performance.now() + FRAME_MS
    for (const element of waiting) {
      if (isStopped) return
      waiting.delete(element)
      observer.unobserve(element)
      typesetFormula(element, typeset as Katex)
      if (performance.now() >= end) break
    }
    if (waiting.size > 0) schedule()
  }
  return {
    watch(added) {
      for (const element of added.querySelectorAll('[data-formula]')) observer.observe(element)
    },
    stop() {
      isStopped = true
      observer.disconnect()
      if (frame !== null) cancelAnimationFrame(frame)
    },
  }
}

/** Puts a formula in its element's place, or says in its title why it shows the source. */
function typesetFormula(element: HTMLElement, typeset: Katex): void {
  const raw = element.textContent
  const isDisplay = element.dataset['formula'] === 'display'
  try {
    element.replaceChildren(typesetSource(formulaAt(raw)?.source ?? raw, isDisplay, typeset))
  } catch (error) {
    element.classList.add('md-formula-source')
    element.title = `This formula cannot be typeset: ${error instanceof Error ? error.message.slice(0, 300) : 'unknown'}`
    return
  }
  element.classList.add('md-formula')
  // What scrolls must be reached with the keyboard.
  if (isDisplay && element.scrollWidth > element.clientWidth + 1) element.tabIndex = 0
}

/** Throws where a formula cannot be typeset, or would cost the browser too much. */
function typesetSource(source: string, isDisplay: boolean, typeset: Katex): Node {
  if (nesting(source) > MAX_NESTING) throw new Error('It is nested too deeply.')
  // oxlint-disable-next-line no-underscore-dangle -- `render` writes into an element, before anything can be looked at.
  const tree = typeset.__renderToDomTree(source, {
    displayMode: isDisplay,
    throwOnError: true,
    strict: false,
    trust: false,
    maxExpand: 200,
    maxSize: 20,
  })
  const left = { elements: MAX_ELEMENTS }
  for (const part of withinBounds(tree, MAX_DEPTH, left)) {
    // The page's policy forbids style attributes. KaTeX sets two: a width that the element around it has, too, and a
    // shadow in what only screen readers read.
    if (part.attributes !== undefined) delete part.attributes['style']
  }
  return tree.toNode()
}

/** What KaTeX is about to make elements of. */
interface Part {
  readonly children?: readonly Part[]
  readonly attributes?: Record<string, string>
  toNode(): Node
}

/** KaTeX, with what `katex.render` itself calls. */
type Katex = typeof katex & { __renderToDomTree(source: string, options: KatexOptions): Part }

function* withinBounds(part: Part, depth: number, left: { elements: number }): Generator<Part> {
  left.elements -= 1
  if (depth === 0 || left.elements < 0) throw new Error('It becomes too large.')
  yield part
  for (const child of part.children ?? []) yield* withinBounds(child, depth - 1, left)
}

function nesting(source: string): number {
  let open = 0
  let most = 0
  for (const [mark] of source.matchAll(/\\[{}]|[{}]|\\begin\b|\\end\b|\\left\b|\\right\b/g)) {
    if (mark === '{' || mark === String.raw`\begin` || mark === String.raw`\left`) most = Math.max(most, ++open)
    else if (!/^\\[{}]$/.test(mark)) open -= 1
  }
  return most
}

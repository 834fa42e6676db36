import { type RefObject } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Figures } from './figures.ts'

/** Marks what belongs to what is pointed at, or has the focus: the same page, or figure, on the other side. */
export function useMarks(view: RefObject<HTMLElement | null>, figures: Figures): void {
  useEffect(() => {
    const { current } = view
    if (current === null) return undefined
    const mark = ({ target }: Event): void => markCounterparts(current, target, figures)
    const unmark = (): void => clearMarks(current)
    current.addEventListener('pointerover', mark)
    current.addEventListener('focusin', mark)
    current.addEventListener('pointerleave', unmark)
    return () => {
      current.removeEventListener('pointerover', mark)
      current.removeEventListener('focusin', mark)
      current.removeEventListener('pointerleave', unmark)
    }
  }, [figures])
}

function markCounterparts(view: HTMLElement, target: EventTarget | null, figures: Figures): void {
  clearMarks(view)
  if (!(target instanceof Element)) return
  const page = target.closest('[data-page]')?.getAttribute('data-page') ?? null
  if (page === null) return
  for (const element of view.querySelectorAll(`[data-page="${CSS.escape(page)}"]`)) element.toggleAttribute(MARK, true)
  const figure = figures.ofPage(Number(page)).find(({ name }) => isOf(target, name, figures))
  if (figure === undefined) return
  const both = [...view.querySelectorAll('.figure-box, .markdown img')]
  for (const element of both) if (isOf(element, figure.name, figures)) element.toggleAttribute(MARK, true)
}

/** A figure stands on the page as a box, and in the text as its picture. */
function isOf(element: Element, name: string, figures: Figures): boolean {
  return element.getAttribute('data-figure') === name || element.getAttribute('src') === figures.urlOf(name)
}

const MARK = 'data-marked'

function clearMarks(view: HTMLElement): void {
  for (const element of view.querySelectorAll(`[${MARK}]`)) element.removeAttribute(MARK)
}

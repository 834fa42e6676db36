export interface MarkdownFigures {
  urlOf(name: string): string | null
}
export function renderMarkdown(target: HTMLElement, markdown: string, _figures: MarkdownFigures): () => void {
  target.textContent = markdown
  return () => target.replaceChildren()
}

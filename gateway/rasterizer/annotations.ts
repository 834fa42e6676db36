import type { PageWarning } from '../page/page.ts'

/** An annotation's kinds, as a caller knows them. */
const NAMES: Readonly<Record<string, string>> = {
  Stamp: 'stamp',
  Watermark: 'watermark',
  FreeText: 'text box',
  Caret: 'insertion mark',
  Square: 'rectangle',
  Circle: 'circle',
}

/** Warns of annotations that a page has and its drawing lacks, each given by its subtype; none for none. */
export function notDrawn(subtypes: readonly string[]): readonly PageWarning[] {
  if (subtypes.length === 0) return []
  const names = [...new Set(subtypes)].map((subtype) => NAMES[subtype] ?? 'annotation').join(', ')
  const count = subtypes.length === 1 ? 'An annotation' : `${subtypes.length} annotations`
  const [have, are] = subtypes.length === 1 ? ['has', 'is'] : ['have', 'are']
  const message = `${count} on the page (${names}) ${have} no appearance in the PDF, and ${are} not drawn. Open it in a viewer that shows it, print it to PDF, and send that.`
  return [{ code: 'annotation_not_drawn', message }]
}

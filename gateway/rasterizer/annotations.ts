import type { PageWarning } from '../page/page.ts'

/**
 * A page of more annotations is drawn without them: PDFium takes 3.5 KB for each, and pdf.js 8 KB. Forms of thousands of
 * fields, and drawings of thousands of stamps, have fewer.
 */
export const MAX_ANNOTATIONS = 20_000

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

/** Warns that a page's annotations are left out for their number. */
export function tooManyAnnotations(count: number): readonly PageWarning[] {
  const message = `The page has ${count} annotations, of which at most ${MAX_ANNOTATIONS} are drawn: none of them is. Print the page to PDF in a viewer, and send that.`
  return [{ code: 'annotation_not_drawn', message }]
}

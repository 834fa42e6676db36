import { plainName } from '../../page/plain-name.ts'
import {
  type FactLimits,
  MAX_LABEL_LENGTH,
  MAX_LABELS,
  MAX_PAGES_NOTED,
  MIN_PAGES_NOTED,
  PAGES_WITH_FIELDS,
  type PdfFacts,
} from '../document-facts.ts'
import type { PdfFile } from '../pdf-file.ts'
import { mayBePortfolio } from '../pdf-object.ts'
import type { PdfiumDocument } from './document.ts'
import { readFiles, readText } from './files.ts'
import type { Pdfium } from './module.ts'

/** fpdf_formfill.h: `FORMTYPE_XFA_FULL` is a form whose pages are made from XFA; `…FOREGROUND` has both. */
const XFA_FULL = 2
const XFA_FOREGROUND = 3
/** fpdf_annot.h */
const ANNOTATION_WIDGET = 20
/** A tree of labels may be built to be slow. */
const LABELS_WITHIN_MILLISECONDS = 500
/** And so may a tree of pages. */
const PAGES_WITHIN_MILLISECONDS = 200

/** Reads what a PDF says of itself beside its pages. */
export async function readFacts(
  document: PdfiumDocument,
  file: PdfFile,
  password: string | null,
  limits: FactLimits,
): Promise<PdfFacts> {
  const { pdfium, handle } = document
  const labels = readLabels(document)
  const isXfa = isXfaForm(document)
  const count = pdfium.library.FPDFDoc_GetAttachmentCount(handle)
  const hasFiles = count > 0 && mayBePortfolio(file) && (await isPortfolio(file, password))
  const files = hasFiles ? readFiles(document, limits) : null
  const pageObjects = findPages(document)
  return { labels, isXfa, files, ...(pageObjects === null ? {} : { pageObjects }) }
}

/**
 * Returns the number of each page's object, of which PDFium finds 50 to 100 in a millisecond; null where that is not worth it, or would take too long. With
 * them, a drawer that draws some of the pages need not parse all before them: 1.2 KB each, often.
 */
function findPages({ pdfium: { library }, handle, pageCount }: PdfiumDocument): Uint32Array | null {
  if (pageCount < MIN_PAGES_NOTED || pageCount > MAX_PAGES_NOTED) return null
  const until = performance.now() + PAGES_WITHIN_MILLISECONDS
  const objects = new Uint32Array(pageCount)
  for (let page = 0; page < pageCount; page++) {
    if (performance.now() > until) return null
    objects[page] = library.EPDFDoc_GetPageObjectNumberByIndex(handle, page)
  }
  return objects
}

async function isPortfolio({ bytes }: PdfFile, password: string | null): Promise<boolean> {
  const pdfjs = await import('../pdfjs/pdfjs.ts')
  return pdfjs.isPortfolio(bytes, password)
}

function readLabels({ pdfium, handle, pageCount }: PdfiumDocument): (string | null)[] | null {
  const first = labelOf(pdfium, handle, 0)
  if (first === null) return null
  const until = performance.now() + LABELS_WITHIN_MILLISECONDS
  const labels = [first]
  while (labels.length < Math.min(pageCount, MAX_LABELS) && performance.now() < until)
    labels.push(labelOf(pdfium, handle, labels.length) ?? '')
  return labels.map((label) => plainName(label, MAX_LABEL_LENGTH))
}

/** Null when the document has no labels. */
function labelOf(pdfium: Pdfium, document: number, index: number): string | null {
  const write = (address: number, size: number) => pdfium.library.FPDF_GetPageLabel(document, index, address, size)
  return readText(pdfium, write, 4 * MAX_LABEL_LENGTH)
}

function isXfaForm({ pdfium: { library }, handle, pageCount }: PdfiumDocument): boolean {
  const type = library.FPDF_GetFormType(handle)
  if (type === XFA_FULL) return true
  if (type !== XFA_FOREGROUND) return false
  return !Array.from({ length: Math.min(pageCount, PAGES_WITH_FIELDS) }).some((_, index) => {
    const page = library.FPDF_LoadPage(handle, index)
    if (page === 0) return false
    const hasField = Array.from({ length: library.FPDFPage_GetAnnotCount(page) }).some((_, index) => {
      const annotation = library.FPDFPage_GetAnnot(page, index)
      const subtype = library.FPDFAnnot_GetSubtype(annotation)
      library.FPDFPage_CloseAnnot(annotation)
      return subtype === ANNOTATION_WIDGET
    })
    library.FPDF_ClosePage(page)
    return hasField
  })
}

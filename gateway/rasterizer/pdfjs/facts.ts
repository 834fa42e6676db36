import type { PDFDocumentProxy } from 'pdfjs-dist/legacy/build/pdf.mjs'
import { plainName } from '../../page/plain-name.ts'
import {
  type EmbeddedFile,
  type FactLimits,
  MAX_FILE_NAME_LENGTH,
  MAX_FILES,
  MAX_LABEL_LENGTH,
  MAX_LABELS,
  PAGES_WITH_FIELDS,
  type PdfFacts,
} from '../document-facts.ts'
import type { DocumentBytes } from '../document-bytes.ts'
import { parseWithPdfium } from '../pdfium/document.ts'
import { readFiles } from '../pdfium/files.ts'

/** pdf.js spells out `/S /a /St 100000000`: such strings are cheap until somebody looks into them. */
const MAX_GIVEN_LENGTH = 1000

/** The document that pdf.js has open. */
interface PdfBytes {
  readonly bytes: DocumentBytes
  readonly password: string | null
  /** Limit of PDFium's own memory, in bytes. */
  readonly maxMemoryBytes: number
}

/** Reads what a PDF says of itself beside its pages; what cannot be read is left out. */
export async function readFacts(pdf: PDFDocumentProxy, source: PdfBytes, limits: FactLimits): Promise<PdfFacts> {
  const given: (string | null)[] | null = await pdf.getPageLabels().catch(() => null)
  const labels = given?.slice(0, MAX_LABELS).map(plainLabel) ?? null
  const info = await infoOf(pdf)
  const isXfa = info['IsXFAPresent'] === true && !(await showsFields(pdf))
  const files = info['IsCollectionPresent'] === true ? await unpackFiles(pdf, source, limits) : null
  return { labels, isXfa, files: files === null || files.length === 0 ? null : files }
}

/** Whether a PDF's catalog says that it is a portfolio. */
export async function hasCollection(pdf: PDFDocumentProxy): Promise<boolean> {
  const info = await infoOf(pdf)
  return info['IsCollectionPresent'] === true
}

async function infoOf(pdf: PDFDocumentProxy): Promise<Readonly<Record<string, unknown>>> {
  try {
    const { info } = await pdf.getMetadata()
    return { ...info }
  } catch {
    return {}
  }
}

function plainLabel(label: string | null): string | null {
  return label === null || label.length > MAX_GIVEN_LENGTH ? null : plainName(label, MAX_LABEL_LENGTH)
}

async function showsFields(pdf: PDFDocumentProxy): Promise<boolean> {
  for (let number = 1; number <= Math.min(pdf.numPages, PAGES_WITH_FIELDS); number++) {
    const page = await pdf.getPage(number).catch(() => null)
    const annotations: { readonly subtype?: string }[] = (await page?.getAnnotations().catch(() => null)) ?? []
    if (annotations.some(({ subtype }) => subtype === 'Widget')) return true
  }
  return false
}

/**
 * PDFium unpacks the files, within its own memory; pdf.js has no limit. Where PDFium does not open the document, their
 * names are all that is read.
 */
async function unpackFiles(pdf: PDFDocumentProxy, { bytes, password, maxMemoryBytes }: PdfBytes, limits: FactLimits) {
  try {
    using document = await parseWithPdfium(bytes, password, maxMemoryBytes)
    return readFiles(document, limits)
  } catch {
    const attachments = await pdf.getAttachments().catch(() => null)
    return [...(attachments?.values() ?? [])].slice(0, MAX_FILES).map(({ filename }, index): EmbeddedFile => {
      const name = plainName(filename, MAX_FILE_NAME_LENGTH) ?? `file ${index + 1}`
      return { name, bytes: null, problem: 'damaged' }
    })
  }
}

import { BARCODE_CELLS, BARCODE_HEIGHT, pageBarcode } from '../fakes/page-barcode.ts'
import { writePdf } from './write-pdf.ts'

/** One page of a made PDF. Sizes and content are as a reader sees the page, whatever its `/Rotate`. */
export interface PageSpec {
  /** Points; A4 portrait when unset. */
  readonly width?: number
  readonly height?: number
  /** Written as `/Rotate`, with the content turned against it: the page reads upright only where it is honoured. */
  readonly rotate?: 0 | 90 | 180 | 270
  /** Set in Helvetica from the top; characters beyond Latin-1 become `?`. A page with a number says it when unset. */
  readonly lines?: readonly string[]
  /** Points. */
  readonly fontSize?: number
  /** Written as a barcode across the top, for readPageBarcode: 0 to 4095. */
  readonly number?: number
}

/** Points. */
export const A4 = { width: 595, height: 842 }
const MARGIN = 50

/** Writes a PDF 1.4 with these pages. Equal content is stored once, so that thousands of pages stay small. */
export function makePdf(pages: readonly PageSpec[]): Uint8Array {
  const objects: string[] = []
  const reference = (content: string) => `${objects.push(content)} 0 R`
  const shared = new Map<string, string>()
  const stream = (content: string) => {
    const known = shared.get(content) ?? reference(`<< /Length ${content.length} >>\nstream\n${content}\nendstream`)
    shared.set(content, known)
    return known
  }

  reference('<< /Type /Catalog /Pages 2 0 R >>')
  objects.push('') // The page tree: its pages are not known yet, its number is.
  const font = reference('<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>')
  const kids = pages.map((page) => {
    const { width, height, rotate } = { ...A4, rotate: 0, ...page }
    const [boxWidth, boxHeight] = rotate % 180 === 0 ? [width, height] : [height, width]
    const contents = [turn(rotate, width, height), strip(page, width, height), text(withNumber(page), height)].filter(
      (part) => part !== '',
    )
    return reference(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${boxWidth} ${boxHeight}] /Rotate ${rotate} ` +
        `/Resources << /Font << /F1 ${font} >> >> /Contents [${contents.map(stream).join(' ')}] >>`,
    )
  })
  objects[1] = `<< /Type /Pages /Kids [${kids.join(' ')}] /Count ${kids.length} >>`
  return new Uint8Array(writePdf(objects))
}

/** A strip at the very edge alone would be a scanner's shadow, and the page blank. */
function withNumber(page: PageSpec): PageSpec {
  return page.number === undefined || page.lines !== undefined ? page : { ...page, lines: [`Page ${page.number}`] }
}

/** The matrix that undoes `/Rotate`, which turns a page clockwise. */
function turn(rotate: number, width: number, height: number): string {
  if (rotate === 90) return `0 1 -1 0 ${height} 0 cm`
  if (rotate === 180) return `-1 0 0 -1 ${width} ${height} cm`
  if (rotate === 270) return `0 -1 1 0 0 ${width} cm`
  return ''
}

function strip({ number }: PageSpec, width: number, height: number): string {
  return number === undefined ? '' : `0 g\n${barcodePath(number, { width, height })}f`
}

/** Writes the path of a page's barcode, to be filled or to clip with. */
export function barcodePath(number: number, { width, height } = A4): string {
  const cellWidth = width / BARCODE_CELLS
  const stripHeight = height * BARCODE_HEIGHT
  const cells = pageBarcode(number).map((black, cell) =>
    black
      ? `${round(cell * cellWidth)} ${round(height - stripHeight)} ${round(cellWidth)} ${round(stripHeight)} re\n`
      : '',
  )
  return cells.join('')
}

function text({ lines = [], fontSize = 12 }: PageSpec, height: number): string {
  if (lines.length === 0) return ''
  const top = round(height * (1 - BARCODE_HEIGHT) - MARGIN)
  const shown = lines.map((line) => `(${escape(line)}) Tj T*`).join('\n')
  return `0 g\nBT /F1 ${fontSize} Tf ${round(fontSize * 1.4)} TL ${MARGIN} ${top} Td\n${shown}\nET`
}

function escape(line: string): string {
  return line.replaceAll(/[^\x20-\x7e\xa0-\xff]/g, '?').replaceAll(/[\\()]/g, String.raw`\$&`)
}

function round(points: number): number {
  return Math.round(points * 100) / 100
}

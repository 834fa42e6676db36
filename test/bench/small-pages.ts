import { makePdf } from '../support/make-pdf.ts'

/** Strips of paper with two lines of text: a fifth of the work of drawing a page. */
export function smallPages(count: number, firstNumber = 1): Uint8Array {
  return makePdf(
    Array.from({ length: count }, (_, index) => {
      const number = firstNumber + index
      const lines = [`Strip ${number} of a long roll of paper, with little on it,`, 'so that it is drawn in no time.']
      return { width: 842, height: 120, number: number % 4096, fontSize: 14, lines }
    }),
  )
}

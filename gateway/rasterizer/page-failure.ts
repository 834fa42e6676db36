import { GatewayError } from '../errors.ts'

/** Makes the failure of a page that cannot be drawn. */
export function damagedPage(page: number, cause: unknown): GatewayError {
  const message = `Page ${page} of the PDF is damaged and cannot be drawn. Repair the file, or leave this page out with ocr.pages.`
  return new GatewayError('document_unreadable', message, { cause })
}

/** Makes the failure of a page with an image beyond the pixel limit. */
export function imageTooLarge(page: number): GatewayError {
  const message = `Page ${page} of the PDF holds an image with more pixels than the gateway decodes. Send it at a lower resolution, or leave this page out with ocr.pages.`
  return new GatewayError('page_too_large', message)
}

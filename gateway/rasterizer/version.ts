import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { PdfRasterizer } from './open-pdf.ts'

/** Raised whenever a change in rasterizer/ or prepare/, or another font for text without its own, changes the pixels of a page, its text layer or its warnings. */
const DRAWING_VERSION = 10

const require = createRequire(import.meta.url)

/**
 * Names what draws pages, for the page key: it changes when the drawing code, a library that it draws with, or the
 * choice between them does.
 */
export function rasterizationVersion(pdfRasterizer: PdfRasterizer): string {
  return [
    pdfRasterizer,
    `pdfium-${manifestVersion(join(dirname(require.resolve('@embedpdf/pdfium/pdfium.wasm')), '../package.json'))}`,
    `pdfjs-${manifestVersion('pdfjs-dist/package.json')}`,
    `canvas-${manifestVersion('@napi-rs/canvas/package.json')}`,
    `sharp-${manifestVersion(join(dirname(require.resolve('sharp')), '../package.json'))}`,
    `heif-${manifestVersion('libheif-js/package.json')}`,
    DRAWING_VERSION,
  ].join(' ')
}

function manifestVersion(path: string): string {
  const manifest: { readonly version: string } = require(path)
  return manifest.version
}

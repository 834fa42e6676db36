import { createRequire } from 'node:module'
import sharp from 'sharp'

/** Raised whenever a change in this folder changes the pixels of a page. */
const DRAWING_VERSION = 1

/** Names what draws pages, for the page key: it changes when the drawing code or a library that it draws with does. */
export const rasterizationVersion = [
  `pdfjs-${manifestVersion('pdfjs-dist')}`,
  `canvas-${manifestVersion('@napi-rs/canvas')}`,
  `sharp-${sharp.versions.sharp}`,
  DRAWING_VERSION,
].join(' ')

function manifestVersion(name: string): string {
  const manifest: { readonly version: string } = createRequire(import.meta.url)(`${name}/package.json`)
  return manifest.version
}

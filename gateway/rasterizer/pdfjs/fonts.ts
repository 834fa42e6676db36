import { createCanvas, GlobalFonts } from '@napi-rs/canvas'
import {
  facesOf,
  hanFonts,
  hangulFonts,
  monospaceFonts,
  openFontFamilies,
  sansFonts,
  serifFonts,
} from '../open-fonts.ts'

/**
 * Makes text on every canvas of this thread fall back to these fonts, character by character, before a generic family.
 * pdf.js names one font and a generic family, and a canvas looks for a missing glyph only in the fonts that are named.
 */
export function registerCanvasFonts(): void {
  // The canvas keeps one list of fonts for the process.
  for (const { family, path } of openFontFamilies.flatMap((one) =>
    GlobalFonts.has(one.regular.family) ? [] : facesOf(one),
  )) {
    GlobalFonts.registerFromPath(path, family)
  }
  if (hasFallbacks) return
  hasFallbacks = true
  const prototype: object = Object.getPrototypeOf(createCanvas(1, 1).getContext('2d'))
  const font = Object.getOwnPropertyDescriptor(prototype, 'font')
  Object.defineProperty(prototype, 'font', {
    ...font,
    set(this: object, value: string) {
      font?.set?.call(this, withFallbacks(value))
    },
  })
}

let hasFallbacks = false

/** Adds our fonts to a font list such as `italic normal 12px "g_d0_f1", serif`, between its two names. */
function withFallbacks(font: string): string {
  return font.replace(/, (sans-serif|serif|monospace)$/, (_, generic: string) => {
    const first = { serif: serifFonts, monospace: monospaceFonts }[generic] ?? sansFonts
    const names = [first, sansFonts, hanFonts, hangulFonts].map(({ regular }) => `"${regular.family}"`)
    return `, ${names.join(', ')}, ${generic}`
  })
}

import { fileURLToPath } from 'node:url'

// Text whose font is not in the PDF is drawn with these fonts: they are the same on every machine, whatever is
// installed there.

/** A font file with an open licence that comes with the gateway's packages. */
export interface OpenFont {
  /** The name under which a canvas knows it; no font of a document has such a name. */
  readonly family: string
  readonly path: string
}

/** One family in its weights and slants. */
export interface OpenFontFamily {
  readonly regular: OpenFont
  readonly bold: OpenFont
  readonly italic: OpenFont
  readonly boldItalic: OpenFont
}

/** Liberation Sans: Latin, Greek and Cyrillic, each character as wide as in Helvetica and Arial. */
export const sansFonts: OpenFontFamily = inFourStyles('Gateway Sans', 'pdfjs-dist/package.json', [
  'standard_fonts/LiberationSans-Regular.ttf',
  'standard_fonts/LiberationSans-Bold.ttf',
  'standard_fonts/LiberationSans-Italic.ttf',
  'standard_fonts/LiberationSans-BoldItalic.ttf',
])

/** Tinos: Latin, Greek, Cyrillic and Hebrew, each character as wide as in Times. */
export const serifFonts: OpenFontFamily = inFourStyles('Gateway Serif', '@expo-google-fonts/tinos', [
  '400Regular/Tinos_400Regular.ttf',
  '700Bold/Tinos_700Bold.ttf',
  '400Regular_Italic/Tinos_400Regular_Italic.ttf',
  '700Bold_Italic/Tinos_700Bold_Italic.ttf',
])

/** Cousine: Latin, Greek, Cyrillic and Hebrew, each character as wide as in Courier. */
export const monospaceFonts: OpenFontFamily = inFourStyles('Gateway Monospace', '@expo-google-fonts/cousine', [
  '400Regular/Cousine_400Regular.ttf',
  '700Bold/Cousine_700Bold.ttf',
  '400Regular_Italic/Cousine_400Regular_Italic.ttf',
  '700Bold_Italic/Cousine_700Bold_Italic.ttf',
])

/** Noto Sans: every character of GBK, Big5 and Shift JIS, kana included, and Han Extension A; no Hangul. */
export const hanFonts: OpenFontFamily = upright('Gateway Han', '@embedpdf/fonts-sc', [
  '../fonts/NotoSansHans-Regular.otf',
  '../fonts/NotoSansHans-Bold.otf',
])

/** Nanum Gothic: every Hangul syllable, Latin letters and common signs; no Han. */
export const hangulFonts: OpenFontFamily = upright('Gateway Hangul', '@expo-google-fonts/nanum-gothic', [
  '400Regular/NanumGothic_400Regular.ttf',
  '700Bold/NanumGothic_700Bold.ttf',
])

/** All families above. */
export const openFontFamilies: readonly OpenFontFamily[] = [
  sansFonts,
  serifFonts,
  monospaceFonts,
  hanFonts,
  hangulFonts,
]

/** Lists a family's files, each once. */
export function facesOf({ regular, bold, italic, boldItalic }: OpenFontFamily): readonly OpenFont[] {
  return [...new Set([regular, bold, italic, boldItalic])]
}

function inFourStyles(family: string, entry: string, paths: readonly [string, string, string, string]): OpenFontFamily {
  const [regular, bold, italic, boldItalic] = paths
  const font = (path: string) => packagedFont(family, entry, path)
  return { regular: font(regular), bold: font(bold), italic: font(italic), boldItalic: font(boldItalic) }
}

/** East Asian faces have no italics: the caller slants the upright one. */
function upright(family: string, entry: string, paths: readonly [string, string]): OpenFontFamily {
  const [regular, bold] = [packagedFont(family, entry, paths[0]), packagedFont(family, entry, paths[1])]
  return { regular, bold, italic: regular, boldItalic: bold }
}

/** `path` is relative to the file that the package's name resolves to. */
function packagedFont(family: string, entry: string, path: string): OpenFont {
  return { family, path: fileURLToPath(new URL(path, import.meta.resolve(entry))) }
}

// What Python's `\s` matches in a string: it differs from JavaScript's by the separators below, and by U+FEFF.
const SPACE = String.raw`[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]`
const SPACES = new RegExp(`${SPACE}+`, 'gu')

/** Signs that fonts and models write in many ways; the last is the micro sign, for which Greek's mu stands. */
const REPLACEMENTS: Readonly<Record<string, string>> = {
  '‘': "'",
  '’': "'",
  '‚': "'",
  '“': '"',
  '”': '"',
  '„': '"',
  '＿': '_',
  '–': '-',
  '—': '-',
  '‑': '-',
  '‒': '-',
  '−': '-',
  '\u00b5': '\u03bc',
}
const REPLACED = new RegExp(`[${Object.keys(REPLACEMENTS).join('')}]`, 'gu')

/**
 * Brings a text into the form in which olmOCR-bench compares texts (`normalize_text` in olmocr/bench/tests.py), step by
 * step as it does: the steps are what its facts were made against, so they are kept where a parser would do better.
 */
export function normalizeText(text: string): string {
  return text
    .replaceAll(/<br\/?>/g, ' ')
    .replaceAll(/\*\*([^\n]*?)\*\*/g, '$1')
    .replaceAll(/__([^\n]*?)__/g, '$1')
    .replaceAll(/<\/?b>/g, '')
    .replaceAll(/<\/?i>/g, '')
    .replaceAll(/(\*\*|__)([^\n]*?)\1/g, '$2')
    .replaceAll(/(\*|_)([^\n]*?)\1/g, '$2')
    .replaceAll(SPACES, ' ')
    .normalize('NFC')
    .replaceAll(REPLACED, (sign) => REPLACEMENTS[sign] ?? sign)
}

/** Folds white space as the repeat detector does. */
export function foldSpaces(text: string): string {
  return text.replaceAll(SPACES, ' ')
}

/** Removes white space at both ends, as Python's `str.strip()` does. */
export function strip(text: string): string {
  return text.replace(new RegExp(`^${SPACE}+`, 'u'), '').replace(new RegExp(`${SPACE}+$`, 'u'), '')
}

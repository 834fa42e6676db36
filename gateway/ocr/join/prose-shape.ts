/** A line that is broken on purpose: in Markdown, or in HTML. */
const BREAK = /(?: {2}|\\|<br ?\/?>)$/i

/** Tells whether the lines of a block stand each for itself, as those of verses and of addresses do. */
export function areLinesApart(lines: readonly string[]): boolean {
  if (lines.length < 2) return false
  const broken = lines.slice(0, -1).filter((line) => BREAK.test(line)).length
  if (2 * broken >= lines.length - 1) return true
  const begun = lines.slice(1)
  // Lines of prose break anywhere, before small letters most often.
  const within = begun.filter((line) => /^\s*[\p{Ll}\p{Lo}\p{Nd}(]/u.test(line)).length
  return 3 * within < begun.length
}

/** Tells whether emphasis, code, mathematics, a link or HTML is open at the end of a paragraph. */
export function isOpenWithin(paragraph: string): boolean {
  const count = (sign: RegExp): number => paragraph.match(sign)?.length ?? 0
  if (count(/(?<!\\)`/g) % 2 === 1 || count(/(?<!\\)\$/g) % 2 === 1) return true
  if (count(/(?<!\\)\*\*/g) % 2 === 1 || count(/(?<![\\*])\*(?!\*)/g) % 2 === 1) return true
  if (count(/(?<!\\)\[/g) !== count(/(?<!\\)\]/g)) return true
  return count(/<[a-z]/gi) !== count(/<\/[a-z]/gi)
}

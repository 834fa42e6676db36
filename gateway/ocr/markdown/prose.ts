import { scanBlocks } from './blocks.ts'

/** Writes spaces in the place of a text's code blocks, so that what is found in the rest stands where it stood. */
export function proseOf(markdown: string): string {
  const { lines } = scanBlocks(markdown)
  return markdown
    .split('\n')
    .map((line, number) => (lines[number]?.role === 'text' ? line : blank(line)))
    .join('\n')
}

/** Writes a space for each sign but those that end lines. */
export function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, ' ')
}

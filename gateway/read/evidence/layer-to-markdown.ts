/** Turns a text layer into Markdown that reads as the layer does: its lines, with what Markdown would misread escaped. */
export function layerToMarkdown(text: string): string {
  return text
    .replaceAll(/[\u00AD\u200B\uFEFF]/g, '')
    .split('\n')
    .map((line) => escapeLine(line.replaceAll(/\s+/g, ' ').trim()))
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()
}

/** Only what would change how a line reads: lists may stay lists, and names their underscores. */
function escapeLine(line: string): string {
  return line
    .replaceAll(/\\(?=[!-/:-@[-`{-~])/g, String.raw`\\`)
    .replaceAll(/[*`$]|~~|<(?=[a-z/!?])|&(?=#?\w+;)|\](?=[([:])/gi, String.raw`\$&`)
    .replaceAll(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, String.raw`\_`)
    .replace(/^(?:#{1,6}(?= |$)|>|\|(?=.*\|)|(?:-+|=+|(?:- )+-)$)/, String.raw`\$&`)
}

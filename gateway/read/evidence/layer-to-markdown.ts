/** Turns a text layer into Markdown with the same lines, and escapes what Markdown would interpret. */
export function layerToMarkdown(text: string): string {
  return text
    .replaceAll(/[\u00AD\u200B\uFEFF]/g, '')
    .split('\n')
    .map((line) => escapeLine(line.replaceAll(/\s+/g, ' ').trim()))
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()
}

/** Returns the text of a layer that was turned into Markdown. */
export function layerText(markdown: string): string {
  return markdown.replaceAll(/\\([!-/:-@[-`{-~])/g, '$1')
}

/** Escapes only what would change the text: list markers, and underscores inside names, stay as they are. */
function escapeLine(line: string): string {
  return line
    .replaceAll(/\\(?=[!-/:-@[-`{-~])/g, String.raw`\\`)
    .replaceAll(/[*`$]|~~|<(?=[a-z/!?])|&(?=#?\w+;)|\](?=[([:])/gi, String.raw`\$&`)
    .replaceAll(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, String.raw`\_`)
    .replace(/^(?:#{1,6}(?= |$)|>|\|(?=.*\|)|(?:-+|=+|(?:- )+-)$)/, String.raw`\$&`)
}

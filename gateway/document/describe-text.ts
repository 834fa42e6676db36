/** What a text in UTF-8 begins with, most telling first. */
const TEXTS: readonly { start: RegExp; name: string }[] = [
  { start: /^<!doctype html|^<html|^<head|^<body|^<(?:div|p|table|h[1-6])[\s>]/i, name: 'an HTML page' },
  { start: /^<svg|^<\?xml[^]{0,512}<svg/i, name: 'an SVG image' },
  { start: /^<\?xml[^]{0,512}<html/i, name: 'an HTML page' },
  { start: /^<\?xml/i, name: 'an XML document' },
  { start: /^\{\s*(?:"(?:[^"\\]|\\.)*"\s*:|\}\s*$)|^\[\s*[[{"]|^\[[\d.,\s-]*\]\s*$/, name: 'JSON' },
  { start: /^BEGIN:VCALENDAR/i, name: 'a calendar entry (ICS)' },
  { start: /^BEGIN:VCARD/i, name: 'a contact (VCF)' },
  { start: /^\\documentclass|^%[^\n]*\n\\documentclass/, name: 'LaTeX source' },
]

/** How mail is described. */
export const MAIL = 'an e-mail message (EML)'

const NAMES_BY_EXTENSION: Readonly<Record<string, string>> = {
  csv: 'a CSV table',
  tsv: 'a CSV table',
  md: 'Markdown text',
  markdown: 'Markdown text',
  json: 'JSON',
  jsonl: 'JSON',
  html: 'an HTML page',
  htm: 'an HTML page',
  xml: 'an XML document',
  eml: MAIL,
  tex: 'LaTeX source',
}

const MAIL_FIELD =
  /^(?:received|return-path|delivered-to|message-id|mime-version|content-type|from|to|cc|subject|date|reply-to|x-[\w-]+|dkim-signature|authentication-results): /i
/** Fields that people do not write at the top of a letter. */
const MACHINE_FIELD = /^(?:received|return-path|delivered-to|message-id|mime-version|x-[\w-]+|dkim-signature): /im

/** Markdown's own lines: a heading, a fence, the line below a table's head. */
const MARKDOWN_LINE = /^(?:#{1,6} \S|```|~~~|\|?(?: *:?-{3,}:? *\|)+ *:?-*:? *$)/m

/**
 * Says what kind of text a document's first bytes are, with an article, by its content and else by its file name; null
 * when they are no text.
 */
export function describeText(start: Uint8Array, filename: string | null): string | null {
  if (start[0] === 0xff && start[1] === 0xfe) return 'plain text in UTF-16'
  if (start[0] === 0xfe && start[1] === 0xff) return 'plain text in UTF-16'
  if (!isText(start)) return null
  const text = Buffer.from(start)
    .toString()
    .replace(/^\uFEFF/, '')
    .trimStart()
  const known = TEXTS.find(({ start }) => start.test(text))?.name
  if (known !== undefined) return known
  if (isMail(text)) return MAIL
  const extension = filename?.toLowerCase().split('.').at(-1) ?? ''
  if (Object.hasOwn(NAMES_BY_EXTENSION, extension)) return NAMES_BY_EXTENSION[extension] ?? null
  if (isTable(text)) return 'a CSV table'
  return MARKDOWN_LINE.test(text) ? 'Markdown text' : 'plain text'
}

function isMail(text: string): boolean {
  const head = text.split(/\r?\n\r?\n/, 1)[0] ?? ''
  const lines = head.split(/\r?\n/).filter((line) => !/^\s/.test(line))
  return lines.length >= 2 && MACHINE_FIELD.test(head) && lines.slice(0, 2).every((line) => MAIL_FIELD.test(line))
}

const MIN_TABLE_LINES = 3
const SAMPLED_LINES = 20

/** Every line has the same number of the same separator, outside of quotes. The last line may be cut off. */
function isTable(text: string): boolean {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  const whole = (lines.length > MIN_TABLE_LINES ? lines.slice(0, -1) : lines).slice(0, SAMPLED_LINES)
  if (whole.length < MIN_TABLE_LINES) return false
  return [',', ';', '\t'].some((separator) => {
    const counts = whole.map((line) => line.replaceAll(/"[^"]*"/g, '').split(separator).length)
    return counts[0]! > 1 && counts.every((count) => count === counts[0])
  })
}

/**
 * The only control characters of text are line breaks, tabs, form feeds and the end mark of DOS. Most of it is ASCII,
 * or it is in UTF-8, of which the last character may be cut off.
 */
function isText(start: Uint8Array): boolean {
  if (start.some((byte) => byte < 0x20 && ![0x09, 0x0a, 0x0c, 0x0d, 0x1a].includes(byte))) return false
  if (start.filter((byte) => byte < 0x7f).length > MIN_ASCII_SHARE * start.length) return true
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(start, { stream: true })
    return true
  } catch {
    return false
  }
}

/** Of a text in an older encoding of European languages. */
const MIN_ASCII_SHARE = 0.75

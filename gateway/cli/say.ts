/** How the command ends. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  interrupted: 130,
  terminated: 143,
  pipe: 141,
} as const

/** A failure that ends the whole command, in words for the one who typed it. */
export class CommandError extends Error {
  readonly exitCode: number

  constructor(exitCode: number, message: string) {
    super(message)
    this.name = 'CommandError'
    this.exitCode = exitCode
  }
}

/** A document that cannot be read. */
export class DocumentError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.name = 'DocumentError'
    this.code = code
  }
}

// What moves the cursor, rings, or turns text around would let a name of a file write over what was said.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Names that characters have in most languages. */
const ESCAPES: Readonly<Record<string, string>> = { '\n': String.raw`\n`, '\r': String.raw`\r`, '\t': String.raw`\t` }

/** Joins emoji, and letters of several scripts: what is seen is one character. */
const JOINERS = new Set(['\u200c', '\u200d'])

/** Writes a name, or a message, so that it stays on one line and does nothing to a terminal. */
export function printable(text: string): string {
  return text.replaceAll(UNSEEN, (character) => {
    if (JOINERS.has(character)) return character
    return ESCAPES[character] ?? `\\u{${character.codePointAt(0)?.toString(16)}}`
  })
}

/** Says the gateway's advice in the options of the command. */
export function inOptions(message: string): string {
  return message.replaceAll(/\bocr\.(\w+)/g, (_, name: string) => OPTIONS[name] ?? `${name} in --ocr`)
}

const OPTIONS: Readonly<Record<string, string>> = {
  pages: '--pages',
  password: '--password-file',
  task: '--task',
  output: '--output',
  prepare: '--prepare',
}

/** Writes a line to standard error: standard output has only what was read. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** Writes `1 page`, `2 pages`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
}

/** Writes seconds as people say them: `45 s`, `12 min`, `3 h 20 min`. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 90) return `${minutes} min`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

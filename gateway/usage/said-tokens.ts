/** Tokens, as an upstream has counted them. */
export interface SaidTokens {
  readonly promptTokens: number
  readonly cachedTokens: number
  readonly completionTokens: number
}

/** Reads a `usage` object; null for anything else. Chats and responses name their tokens differently. */
export function tokensOf(usage: unknown): SaidTokens | null {
  if (typeof usage !== 'object' || usage === null) return null
  const said = usage as Readonly<Record<string, unknown>>
  const count = (...names: readonly string[]): number =>
    names.map((name) => said[name]).find((value): value is number => Number.isSafeInteger(value)) ?? 0
  const details = Object(said['prompt_tokens_details'] ?? said['input_tokens_details']) as Record<string, unknown>
  const cached = details['cached_tokens']
  return {
    promptTokens: count('prompt_tokens', 'input_tokens'),
    cachedTokens: Number.isSafeInteger(cached) ? (cached as number) : 0,
    completionTokens: count('completion_tokens', 'output_tokens'),
  }
}

/** The end of an answer: `usage` stands behind its text. */
const TAIL_BYTES = 16 * 1024

/** Reads what an answer says of its tokens, while it is passed on. */
export interface TokenReader {
  read(chunk: Buffer): void
  /** Returns what it said last; null: it said nothing. */
  tokens(): SaidTokens | null
}

/** Creates a reader that looks at the end of an answer alone, be it JSON or a stream of it: nothing is parsed while it comes. */
export function createTokenReader(): TokenReader {
  let chunks: Buffer[] = []
  let length = 0
  return {
    read(chunk) {
      chunks.push(chunk)
      length += chunk.length
      while (chunks.length > 1 && length - chunks[0]!.length >= TAIL_BYTES) length -= chunks.shift()!.length
    },
    tokens() {
      const text = Buffer.concat(chunks).toString()
      chunks = []
      return lastUsage(text)
    },
  }
}

const NAME = '"usage":'

function lastUsage(text: string): SaidTokens | null {
  for (let at = text.lastIndexOf(NAME); at >= 0; at = at === 0 ? -1 : text.lastIndexOf(NAME, at - 1)) {
    // Within a text, its quotes are escaped.
    if (text[at - 1] === '\\') continue
    const tokens = tokensOf(objectAt(text, at + NAME.length))
    if (tokens !== null) return tokens
  }
  return null
}

/** Parses the object that begins at a place; it holds numbers and objects of them. */
function objectAt(text: string, from: number): unknown {
  const [object] = /^\s*\{(?:[^{}]|\{[^{}]*\})*\}/.exec(text.slice(from, from + TAIL_BYTES)) ?? []
  try {
    return object === undefined ? null : (JSON.parse(object) as unknown)
  } catch {
    return null
  }
}

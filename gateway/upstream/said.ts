/** The most characters of an upstream's own words that a caller is shown. */
const MAX_MESSAGE_CHARACTERS = 300

/** A message that is longer is no sentence, and takes long to be looked through. */
const MAX_SAID_CHARACTERS = 100_000

/** Stands for an error that is a web page: nginx and load balancers write them, vLLM does not. */
const WEB_PAGE = '(a web page, so a server before the engine wrote it)'

/** Tells whether a body is a web page. */
function isWebPage(text: string): boolean {
  return /^\s*<(!doctype|html|head|body|\?xml|!--)/i.test(text)
}

/**
 * Returns what a person can read of the body of an error that no schema knows: a line of plain text, as load balancers
 * write it, and nothing of anything else.
 */
export function plainWords(text: string): string {
  if (isWebPage(text)) return WEB_PAGE
  const isLine = !/[<{[]/.test(text) && text.trim().split(/\r?\n/).length === 1
  return isLine ? readableWords(text) : ''
}

/**
 * Leaves of a message what a person can read, and no document: vLLM quotes data URLs, inputs that it could not read, and
 * whole prompts. A page has megabytes of base64.
 */
export function readableWords(message: string): string {
  // A part of it could be a quotation without its end.
  if (message.length > MAX_SAID_CHARACTERS) return ''
  const readable = message
    .replaceAll(/data:[^\s"',]*,?[A-Za-z0-9+/=_-]*/g, '(data URL)')
    .replaceAll(/[A-Za-z0-9+/=_-]{64,}/g, '…')
    .replaceAll(/\s+/g, ' ')
    // Python's repr of what a request held: `input_value='…'`, `'input': {…}`, `data={…}`.
    .replaceAll(
      /\b(input_value|input|data|value|prompt|text|content)(['"]?\s*[=:]\s*)(['"{[(]).*?(?=, \w+=|['"]?[}\])]?\s*$)/g,
      '$1$2…',
    )
    .replaceAll(/(?<!'msg': |[\p{L}\p{N}])(['"“`])(?:(?!\1).){40,}?(?:\1|”)(?![\p{L}\p{N}])/gu, '$1…$1')
    .trim()
  return readable.length <= MAX_MESSAGE_CHARACTERS ? readable : `${readable.slice(0, MAX_MESSAGE_CHARACTERS - 1)}…`
}

/** What engines say when they die or are full. Nothing else that is said in the middle of a page is shown. */
const ENGINE_WORDS =
  /\b(EngineCore|engine|out of memory|CUDA|NCCL|internal (server )?error|worker|shut(ting)? down|overloaded|timed? ?out)\b/i

/** Returns the sentences about the engine in what it says in the middle of a page, where anything else may be the page. */
export function wordsAboutEngine(message: string): string {
  const sentences = readableWords(message).match(/[^.!?]+[.!?]*\s*/g) ?? []
  return sentences
    .filter((sentence) => ENGINE_WORDS.test(sentence))
    .join('')
    .trim()
}

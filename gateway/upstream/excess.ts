/** How far a page went beyond what a server takes. */
export interface Excess {
  readonly kind: 'too_long' | 'image_too_long'
  /** The share of the page image's tokens that fits; undefined when the server gave no numbers. */
  readonly tokenShare: number | undefined
}

/** The share of a context that a prompt may take; the answer needs the rest. */
const MAX_PROMPT_SHARE = 1 / 2

// vLLM has no code for it: these are its words before and after it has seen the image
// (https://github.com/vllm-project/vllm/blob/main/vllm/renderers/params.py, vllm/v1/engine/input_processor.py).
const ENCODER =
  /(?<tokens>\d+)(?: embedding tokens)?, which exceeds the pre-allocated encoder cache size (?<limit>\d+)/i
const CONTEXT = [
  /input length \((?<tokens>\d+)\) exceeds (?:the )?model's maximum context length \((?<limit>\d+)\)/i,
  /decoder prompt \(length (?<tokens>\d+)\) is longer than the maximum model length of (?<limit>\d+)/i,
  /maximum context length is (?<limit>\d+) tokens\b.*?\bprompt contains (?:at least )?(?<tokens>\d+) input tokens/is,
  /maximum context length is (?<limit>\d+) tokens\b.*?\((?<tokens>\d+) in the messages/is,
]
const IS_ENCODER = /encoder cache size/i
const IS_CONTEXT = /maximum context length|longer than the maximum model length/i

/** Reads out of a refusal that a page did not fit, and by how much; null when it is about something else. */
export function readExcess(message: string): Excess | null {
  const text = message.slice(0, 2000)
  if (IS_ENCODER.test(text)) return { kind: 'image_too_long', tokenShare: shareOf(ENCODER.exec(text), 1) }
  if (!IS_CONTEXT.test(text)) return null
  const found = CONTEXT.map((pattern) => pattern.exec(text)).find((match) => match !== null)
  return { kind: 'too_long', tokenShare: shareOf(found ?? null, MAX_PROMPT_SHARE) }
}

function shareOf(match: RegExpExecArray | null, share: number): number | undefined {
  const { tokens, limit } = match?.groups ?? {}
  const fits = (Number(limit) * share) / Number(tokens)
  return fits > 0 && fits < 1 ? fits : undefined
}

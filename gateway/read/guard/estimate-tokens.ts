// What one character costs, roughly, in the tokenizers of the models served here (Qwen's and Hunyuan's): words are
// split into pieces of three or four letters, each digit is a token, Chinese and markup have one to two characters to a
// token. In a run of one sign, such as a dot leader, a token holds many signs.
const LETTER = 0.28
const DIGIT = 1
const IDEOGRAPH = 0.8
const OTHER_LETTER = 0.5
const SPACE = 0.1
const SIGN = 0.6
const RUN_OF_SIGNS = { base: 1, perSign: 1 / 8 }

const PIECES =
  /(?<run>([^\p{L}\p{N}\s])\2{3,})|(?<letters>[a-z]+)|(?<ideographs>[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]+)|(?<others>[\p{L}\p{M}]+)|(?<digits>\p{N}+)|(?<spaces>\s+)|(?<sign>.)/giu

/** Estimates how many tokens a model needs to write a text, within a factor of about one and a half. */
export function estimateTokens(text: string): number {
  let tokens = 0
  for (const { groups = {} } of text.matchAll(PIECES)) {
    const { run, letters, ideographs, others, digits, spaces, sign } = groups
    if (run !== undefined) tokens += RUN_OF_SIGNS.base + run.length * RUN_OF_SIGNS.perSign
    else if (letters !== undefined) tokens += letters.length * LETTER
    else if (ideographs !== undefined) tokens += ideographs.length * IDEOGRAPH
    else if (others !== undefined) tokens += others.length * OTHER_LETTER
    else if (digits !== undefined) tokens += digits.length * DIGIT
    else if (spaces !== undefined) tokens += spaces.length * SPACE
    else if (sign !== undefined) tokens += SIGN
  }
  return tokens
}

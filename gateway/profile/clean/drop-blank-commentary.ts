// LightOnOCR-2 under vLLM answers an empty page with this sentence instead of nothing: 40 of 40 runs in the card of
// https://huggingface.co/davanstrien/LightOnOCR-2-1B-no-blank-commentary
const COMMENTARY = /^there is no content in the provided image\b[^\n]{0,240}$/i

/** Returns an empty text for an answer that only says that the page is blank, and any other answer as it is. */
export function dropBlankCommentary(text: string): string {
  return COMMENTARY.test(text.trim()) ? '' : text
}

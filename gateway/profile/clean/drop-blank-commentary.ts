// What LightOnOCR-2 says of an empty page under vLLM instead of saying nothing: 40 of 40 runs in the card of
// https://huggingface.co/davanstrien/LightOnOCR-2-1B-no-blank-commentary
const COMMENTARY = /^there is no content in the provided image\b[^\n]{0,240}$/i

/** Returns nothing where the whole answer is the model's remark that the page is blank; any other text as it is. */
export function dropBlankCommentary(text: string): string {
  return COMMENTARY.test(text.trim()) ? '' : text
}

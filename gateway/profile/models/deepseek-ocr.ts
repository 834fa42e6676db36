import { blocksFromGrounding } from '../clean/blocks-from-grounding.ts'
import { stripFence } from '../clean/strip-fence.ts'
import { deepseekocrBroken, deepseekocrOld, mixesPages } from '../known-problems.ts'
import { blocksInThousandths, picturesInThousandths } from '../marked-blocks.ts'
import { MIN_TYPE_SIZE } from '../min-type-size.ts'
import type { ModelProfile } from '../model-profile.ts'

// Sources: DeepSeek/DeepSeek-OCR.md and DeepSeek/DeepSeek-OCR-2.md in https://github.com/vllm-project/recipes at 8959cf6 (the
// request to a server, its fields beyond sampling); DeepSeek-OCR2-vllm/run_dpsk_ocr2_pdf.py in
// https://github.com/deepseek-ai/DeepSeek-OCR-2 at 2f3699e (resolution, n-grams of version 2, what its tags mean);
// DeepSeek-OCR-vllm/config.py in https://github.com/deepseek-ai/DeepSeek-OCR at 2ac6d64 (prompts, without the `<image>` that the
// chat template writes).

/** `<td>` and `</td>`: a table may repeat them. */
const TABLE_CELLS = [128_821, 128_822]

/** Served with its n-gram processor, it may not repeat a piece of so many tokens within a window of so many. */
const ngrams = (ngramSize: number, windowSize: number) => ({
  skip_special_tokens: false,
  vllm_xargs: { ngram_size: ngramSize, window_size: windowSize, whitelist_token_ids: TABLE_CELLS },
})

const GROUNDED = '<|grounding|>Convert the document to markdown.'

const common = {
  version: 1,
  imageMediaType: 'image/png',
  layout: { system: null, order: 'image-then-text' },
  tasks: {
    document: { text: GROUNDED },
    // The same question: the tags of blocks are kept as marks.
    layout: { text: GROUNDED },
    text: { text: 'Free OCR.' },
    chart: { text: 'Parse the figure.' },
  },
  freePrompt: false,
  sampling: { temperature: 0, top_p: 1 },
  // Its authors do not ask again: the n-gram processor is there against loops.
  ladder: [{}, { temperature: 0.2 }, { temperature: 0.5 }],
  defaultMaxModelLen: 8192,
  // As its authors ask. With the image's tokens it never fits, and so an answer gets what is left of the context.
  maxOutputTokens: 8192,
  clean: (text, task) => stripFence(blocksFromGrounding(text, task), ['markdown', 'md']),
  cleansTiles: true,
  findImages: picturesInThousandths,
  imageTasks: ['document', 'layout'],
  findBlocks: blocksInThousandths,
} as const satisfies Partial<ModelProfile>

const budget = { maxPixels: 4_194_304, minEdge: 28, maxRatio: 200, minTypeSize: MIN_TYPE_SIZE }

/** DeepSeek-OCR: `deepseek-ai/DeepSeek-OCR`. */
export const deepseekocr1: ModelProfile = {
  ...common,
  id: 'deepseek-ocr-1',
  match: [/deepseek[-_ ]?ocr[-_ ]?v?1(?!\.?\d)/i],
  pixelBudget: { ...budget, dpi: 200 },
  extraBody: ngrams(30, 90),
  // A view of 1024 pixels (16 rows of 16 and a line end) and at most nine tiles of 640 (10 by 10).
  imageTokens: () => 16 * 17 + 9 * 110 + 1,
  knownProblems: [deepseekocrOld, deepseekocrBroken, mixesPages],
}

/** DeepSeek-OCR 2: `deepseek-ai/DeepSeek-OCR-2`. */
export const deepseekocr2: ModelProfile = {
  ...common,
  id: 'deepseek-ocr-2',
  match: [/deepseek[-_ ]?ocr[-_ ]?v?2(?!\.?\d)/i],
  pixelBudget: { ...budget, dpi: 144 },
  extraBody: ngrams(20, 50),
  // A view of 1024 pixels and at most six tiles of 768 (12 by 12).
  imageTokens: () => 256 + 6 * 144 + 1,
  knownProblems: [deepseekocrBroken, mixesPages],
}

import { stripFence } from '../clean/strip-fence.ts'
import { unwrapTags } from '../clean/unwrap-tags.ts'
import { mixesPages, nanonetsDegenerates } from '../known-problems.ts'
import { MIN_TYPE_SIZE } from '../min-type-size.ts'
import type { ModelProfile } from '../model-profile.ts'
import { squareTokens } from '../smart-resize.ts'

// Sources: the card of https://huggingface.co/nanonets/Nanonets-OCR2-3B, by way of ocr/nanonets-ocr2.py in
// https://github.com/davanstrien/uv-scripts-for-ai at 483ff79 (messages, prompt, sampling, context, output tokens).

/** Qwen2.5-VL's own bounds. */
const PIXELS = { grid: 28, minPixels: 3136, maxPixels: 12_845_056 }

/** Nanonets-OCR2: `nanonets/Nanonets-OCR2-3B`. */
export const nanonets2: ModelProfile = {
  id: 'nanonets-ocr2',
  version: 1,
  match: [/nanonets[-_ ]?ocr[-_ ]?v?2(?!\.?\d)/i],
  pixelBudget: { dpi: 200, maxPixels: PIXELS.maxPixels, minEdge: 28, maxRatio: 200, minTypeSize: MIN_TYPE_SIZE },
  imageMediaType: 'image/png',
  layout: { system: null, order: 'image-then-text' },
  tasks: {
    document: {
      text: 'Extract the text from the above document as if you were reading it naturally. Return the tables in html format. Return the equations in LaTeX representation. If there is an image in the document and image caption is not present, add a small description of the image inside the <img></img> tag; otherwise, add the image caption inside <img></img>. Watermarks should be wrapped in brackets. Ex: <watermark>OFFICIAL COPY</watermark>. Page numbers should be wrapped in brackets. Ex: <page_number>14</page_number> or <page_number>9/22</page_number>. Prefer using ☐ and ☑ for check boxes.',
    },
  },
  freePrompt: false,
  sampling: { temperature: 0, top_p: 1 },
  // Its authors do not ask again.
  ladder: [{}, { temperature: 0.2 }, { temperature: 0.5 }],
  extraBody: {},
  defaultMaxModelLen: 32_768,
  maxOutputTokens: 15_000,
  imageTokens: squareTokens(PIXELS),
  knownProblems: [nanonetsDegenerates, mixesPages],
  clean: (text) => unwrapTags(stripFence(text, ['markdown', 'md'])),
}

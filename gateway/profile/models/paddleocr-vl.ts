import { otslToHtml } from '../clean/otsl.ts'
import { stripFence } from '../clean/strip-fence.ts'
import { mixesPages, paddleocrOld } from '../known-problems.ts'
import { MIN_TYPE_SIZE } from '../min-type-size.ts'
import type { ModelProfile } from '../model-profile.ts'
import { squareTokens } from '../smart-resize.ts'

// Sources: paddlex/inference/models/doc_vlm/predictor.py in https://github.com/PaddlePaddle/PaddleX at 02038c1 (the request to a
// server, images as JPEG) and PaddlePaddle/PaddleOCR-VL.md in https://github.com/vllm-project/recipes at 8959cf6 (the prompts).
// It was trained on single elements of a page, which the layout model PP-DocLayout cuts out in its own pipeline: docs/models.md says
// what is lost on whole pages. Apache-2.0.

const PIXELS = { grid: 28, minPixels: 130 * 28 ** 2, maxPixels: 1280 * 28 ** 2 }

/** PaddleOCR-VL: `PaddlePaddle/PaddleOCR-VL`, its language model alone, on whole pages. */
export const paddleocrVl1: ModelProfile = {
  id: 'paddleocr-vl-1',
  version: 1,
  match: [/paddle[-_ ]?ocr[-_ ]?vl[-_ ]?v?1(?:\.0)?(?![.\d])/i],
  pixelBudget: { dpi: 200, maxPixels: PIXELS.maxPixels, minEdge: 28, maxRatio: 200, minTypeSize: MIN_TYPE_SIZE },
  imageMediaType: 'image/jpeg',
  layout: { system: null, order: 'image-then-text' },
  tasks: {
    document: { text: 'OCR:' },
    table: { text: 'Table Recognition:' },
    formula: { text: 'Formula Recognition:' },
    chart: { text: 'Chart Recognition:' },
  },
  freePrompt: false,
  sampling: { temperature: 0, top_p: 1 },
  // Its authors do not ask again.
  ladder: [{}, { temperature: 0.2 }, { temperature: 0.5 }],
  extraBody: {},
  defaultMaxModelLen: 16_384,
  maxOutputTokens: 8192,
  imageTokens: squareTokens(PIXELS),
  knownProblems: [paddleocrOld, mixesPages],
  clean: (text) => otslToHtml(stripFence(text, ['markdown', 'md'])),
}

/** PaddleOCR-VL 1.5 and 1.6: two tasks more. */
export const paddleocrVl15: ModelProfile = {
  ...paddleocrVl1,
  id: 'paddleocr-vl-1.5',
  match: [/paddle[-_ ]?ocr[-_ ]?vl[-_ ]?v?1[._][56](?!\d)/i],
  tasks: { ...paddleocrVl1.tasks, spotting: { text: 'Spotting:' }, seal: { text: 'Seal Recognition:' } },
}

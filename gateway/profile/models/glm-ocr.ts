import { stripFence } from '../clean/strip-fence.ts'
import { glmocrOld, mixesPages } from '../known-problems.ts'
import { MIN_TYPE_SIZE } from '../min-type-size.ts'
import type { ModelProfile } from '../model-profile.ts'
import { squareTokens } from '../smart-resize.ts'

// Sources, in https://github.com/zai-org/GLM-OCR at cef4d0e: glmocr/config.py (sampling, pixels, resolution), glmocr/config.yaml (the
// prompts) and glmocr/dataloader/page_loader.py (the request, images as JPEG). Its client cuts a page into regions with PP-DocLayoutV3
// first: docs/models.md says what is lost on whole pages. MIT.

/** As many tokens as fit the encoder's cache of a usual server: the authors' own greatest image has far more. */
const PIXELS = { grid: 28, minPixels: 112 ** 2, maxPixels: 6084 * 28 ** 2 }

/** GLM-OCR: `zai-org/GLM-OCR`, its language model alone, on whole pages. */
export const glmocr: ModelProfile = {
  id: 'glm-ocr',
  version: 1,
  match: [/glm[-_ ]?ocr/i],
  pixelBudget: { dpi: 200, maxPixels: PIXELS.maxPixels, minEdge: 28, maxRatio: 200, minTypeSize: MIN_TYPE_SIZE },
  imageMediaType: 'image/jpeg',
  layout: { system: null, order: 'image-then-text' },
  // Of a prompt in other words it reads a line or two: https://github.com/jundot/omlx/issues/227.
  tasks: {
    document: { text: 'Text Recognition:' },
    table: { text: 'Table Recognition:' },
    formula: { text: 'Formula Recognition:' },
  },
  freePrompt: false,
  sampling: { temperature: 0, top_p: 0.000_01, top_k: 1, repetition_penalty: 1.1 },
  // With top_k 1 a higher temperature alone changes nothing.
  ladder: [{}, { temperature: 0.2, top_p: 0.9, top_k: -1 }, { temperature: 0.5, top_p: 0.9, top_k: -1 }],
  extraBody: {},
  defaultMaxModelLen: 32_768,
  maxOutputTokens: 8192,
  imageTokens: squareTokens(PIXELS),
  knownProblems: [glmocrOld, mixesPages],
  clean: (text) => stripFence(text, ['markdown', 'md', 'html']),
}

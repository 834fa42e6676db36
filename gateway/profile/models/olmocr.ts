import { dropFrontMatter } from '../clean/drop-front-matter.ts'
import { stripFence } from '../clean/strip-fence.ts'
import { mixesPages } from '../known-problems.ts'
import { MIN_TYPE_SIZE } from '../min-type-size.ts'
import type { ModelProfile } from '../model-profile.ts'
import { squareTokens } from '../smart-resize.ts'

// Sources, in https://github.com/allenai/olmocr at f7cfe4c: olmocr/pipeline.py (the messages, the longest edge, tokens and
// temperatures) and olmocr/prompts/prompts.py (`build_no_anchoring_v4_yaml_prompt`). Apache-2.0.

/** The longest edge of page images, and the side of a square that is one token (Qwen2.5-VL). */
const EDGE = 1288
const PIXELS = { grid: 28, minPixels: 56 ** 2, maxPixels: EDGE ** 2 }

/** What the model writes about the page above its text. */
const HEAD = ['primary_language', 'is_rotation_valid', 'rotation_correction', 'is_table', 'is_diagram']

/** olmOCR 2: `allenai/olmOCR-2-7B-1025` and its FP8 weights; its own client calls it `olmocr`. */
export const olmocr2: ModelProfile = {
  id: 'olmocr-2',
  version: 1,
  match: [/olm[-_ ]?ocr[-_ ]?v?2(?!\.?\d)/i],
  pixelBudget: {
    longestEdge: EDGE,
    maxPixels: PIXELS.maxPixels,
    minEdge: 28,
    maxRatio: 200,
    minTypeSize: MIN_TYPE_SIZE,
  },
  imageMediaType: 'image/png',
  layout: { system: null, order: 'text-then-image' },
  tasks: {
    document: {
      text: 'Attached is one page of a document that you must process. Just return the plain text representation of this document as if you were reading it naturally. Convert equations to LateX and tables to HTML.\nIf there are any figures or charts, label them with the following markdown syntax ![Alt text describing the contents of the figure](page_startx_starty_width_height.png)\nReturn your output as markdown, with a front matter section on top specifying values for the primary_language, is_rotation_valid, rotation_correction, is_table, and is_diagram parameters.',
    },
  },
  freePrompt: false,
  sampling: { temperature: 0.1, top_p: 1 },
  // TEMPERATURE_BY_ATTEMPT, its second 0.1 left out: after a failure of the engine the gateway asks again at the same rung.
  ladder: [{}, ...[0.2, 0.3, 0.5, 0.8, 0.9, 1].map((temperature) => ({ temperature }))],
  extraBody: {},
  defaultMaxModelLen: 16_384,
  maxOutputTokens: 8000,
  imageTokens: squareTokens(PIXELS),
  knownProblems: [mixesPages],
  // Its figures have a place in their names, in pixels of an image whose size its authors do not state: they are not cut out.
  clean: (text) => dropFrontMatter(stripFence(text, ['markdown', 'md']), HEAD),
  // Each tile has a head.
  cleansTiles: true,
}

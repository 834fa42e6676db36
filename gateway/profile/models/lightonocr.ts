import type { TargetSize } from '../../page/target-size.ts'
import { dropRemark } from '../clean/drop-remark.ts'
import { stripFence } from '../clean/strip-fence.ts'
import { unescapeMath } from '../clean/unescape-math.ts'
import { lightonocrLoops, mixesPages } from '../known-problems.ts'
import { blocksInThousandths, imageBlocks } from '../marked-blocks.ts'
import { imagesInThousandths } from '../marked-images.ts'
import { MIN_TYPE_SIZE } from '../min-type-size.ts'
import type { ModelProfile } from '../model-profile.ts'

// Unless said otherwise, what stands here is from https://github.com/lightonai/LightOnOCR at commit 36755d4:
// lightonocr/models.py (page sizes, modes, top_p), lightonocr/client.py (messages, sampling, extra body),
// lightonocr/render.py (longest edge exactly, raster images never enlarged), lightonocr/grounding.py (the layout
// prompt), benchmarks/ocr_bench/config.py (context lengths, output tokens). Papers: arXiv 2601.14251 for version 2.
// Apache-2.0.

/** Pixtral's vision tower: patches of 14 pixels, merged two by two; the processor shrinks the longest edge to 1540. */
const PIXTRAL_EDGE = 1540
const pixtralTokens = ({ width, height }: TargetSize): number => Math.ceil(width / 28) * Math.ceil(height / 28)

/** The Qwen3.5 models see 32-pixel squares (config.py: five million pixels are about 4.9k tokens), at any size sent. */
const QWEN_EDGE = 2048
const qwenTokens = ({ width, height }: TargetSize): number => Math.ceil(width / 32) * Math.ceil(height / 32)

function clean(text: string, task: string): string {
  const unfenced = stripFence(text, ['markdown', 'md'])
  return unescapeMath(task === 'document' ? dropRemark(unfenced) : unfenced)
}

const common = {
  version: 1,
  imageMediaType: 'image/png',
  // "A request is one user message with the page image, and nothing else" (README, "Modes"). No system message: the
  // chat template writes an empty one itself.
  layout: { system: null, order: 'image-only' },
  freePrompt: false,
  // The official client sends this to every version: 3-0.8B and 3-4B were trained without thinking, others ignore it.
  extraBody: { chat_template_kwargs: { enable_thinking: false } },
  // It never decodes greedily ("not greedy", README, "Tips"): a loop is chance, and a higher temperature avoids it.
  ladder: [{}, { temperature: 0.4 }, { temperature: 0.7 }],
  // As in the official benchmarks. It fits: 16,384 less the 3,025 tokens of the largest page.
  maxOutputTokens: 12_288,
  knownProblems: [lightonocrLoops, mixesPages],
  clean,
} as const satisfies Partial<ModelProfile>

const pixtral = {
  // One token's square is the least edge (PixtralProcessor rounds sides up to it, and would distort the picture).
  pixelBudget: { longestEdge: PIXTRAL_EDGE, maxPixels: PIXTRAL_EDGE ** 2, minEdge: 28, minTypeSize: MIN_TYPE_SIZE },
  defaultMaxModelLen: 16_384,
  imageTokens: pixtralTokens,
} as const satisfies Partial<ModelProfile>

const documentOnly = { document: { text: null } } as const

// One word, and the only text that version 3 was trained to see beside a page; its document task has none.
const withLayout = { document: { text: null }, layout: { text: 'grounding' } } as const

/** LightOnOCR-1: `lightonai/LightOnOCR-1B-1025` and the pruned vocabularies `-0.9B-32k-1025` and `-0.9B-16k-1025`. */
export const lightonocr1: ModelProfile = {
  ...common,
  ...pixtral,
  id: 'lightonocr-1',
  match: [/lighton[-_ ]?ocr[-_ ]?(?:v?1(?!\.?\d)|0[._]9b)/i],
  tasks: documentOnly,
  sampling: { temperature: 0.2, top_p: 0.9 },
}

/** LightOnOCR-2: `lightonai/LightOnOCR-2-1B`, `-base` and `-ocr-soup`. */
export const lightonocr2: ModelProfile = {
  ...common,
  ...pixtral,
  id: 'lightonocr-2',
  match: [/lighton[-_ ]?ocr[-_ ]?v?2(?!\.?\d)(?!.*bbox)/i],
  tasks: documentOnly,
  sampling: { temperature: 0.2, top_p: 0.9 },
}

/**
 * LightOnOCR-2 that marks images, `![image](image_1.png)112,80,640,455` in thousandths of the page: `-bbox`,
 * `-bbox-soup`.
 */
export const lightonocr2Bbox: ModelProfile = {
  ...lightonocr2,
  id: 'lightonocr-2-bbox',
  match: [/lighton[-_ ]?ocr[-_ ]?v?2(?!\.?\d).*bbox/i],
  findImages: imagesInThousandths,
}

/** LightOnOCR-3-1B: version 3 on the Pixtral tower. */
export const lightonocr3Small: ModelProfile = {
  ...common,
  ...pixtral,
  id: 'lightonocr-3-1b',
  match: [/lighton[-_ ]?ocr[-_ ]?v?3[-_ ]1b/i],
  layout: { system: null, order: 'image-then-text' },
  tasks: withLayout,
  sampling: { temperature: 0.2, top_p: 1 },
  findImages: imageBlocks,
  imageTasks: ['layout'],
  findBlocks: blocksInThousandths,
}

/** LightOnOCR-3 on Qwen3.5: `lightonai/LightOnOCR-3-0.8B` and `-3-4B`. */
export const lightonocr3: ModelProfile = {
  ...lightonocr3Small,
  id: 'lightonocr-3',
  match: [/lighton[-_ ]?ocr[-_ ]?v?3(?!\.?\d)(?![-_ ]1b)/i],
  // The Qwen2-VL processor refuses what is narrower than a token's square, or more than 200 times as long as it is wide.
  pixelBudget: {
    longestEdge: QWEN_EDGE,
    maxPixels: QWEN_EDGE ** 2,
    minEdge: 32,
    maxRatio: 200,
    minTypeSize: MIN_TYPE_SIZE,
  },
  defaultMaxModelLen: 18_000,
  imageTokens: qwenTokens,
}

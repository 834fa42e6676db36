import { MIN_TYPE_SIZE } from '../min-type-size.ts'
import type { ModelProfile } from '../model-profile.ts'
import { squareTokens } from '../smart-resize.ts'
import { generic } from './generic.ts'

// Source: preprocessor_config.json of https://huggingface.co/Qwen/Qwen3-VL-8B-Instruct (patches of 16 pixels, merged two by two).

/** The longest edge of LightOnOCR-3 on the same vision tower: small print needs it, and the context has room. */
const EDGE = 2048
const PIXELS = { grid: 32, minPixels: 256 ** 2, maxPixels: EDGE ** 2 }

/** Qwen3-VL: the plain prompts of `generic`, and images in its own grid. Those that think are `generic`. */
export const qwen3Vl: ModelProfile = {
  ...generic,
  id: 'qwen3-vl',
  match: [/qwen[-_ ]?3[-_ ]?vl(?!.*thinking)/i],
  pixelBudget: {
    longestEdge: EDGE,
    maxPixels: PIXELS.maxPixels,
    minEdge: 32,
    maxRatio: 200,
    minTypeSize: MIN_TYPE_SIZE,
  },
  defaultMaxModelLen: 32_768,
  imageTokens: squareTokens(PIXELS),
}

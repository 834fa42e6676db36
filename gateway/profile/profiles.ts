import type { ModelProfile } from './model-profile.ts'
import { chandra1, chandra2, surya2 } from './models/datalab.ts'
import { deepseekocr1, deepseekocr2 } from './models/deepseek-ocr.ts'
import { dotsMocr, dotsOcr } from './models/dots.ts'
import { generic } from './models/generic.ts'
import { glmocr } from './models/glm-ocr.ts'
import { graniteDocling } from './models/granite-docling.ts'
import { hunyuanocr10, hunyuanocr10Chinese, hunyuanocr15 } from './models/hunyuanocr.ts'
import { infinityParser2 } from './models/infinity-parser.ts'
import { lightonocr1, lightonocr2, lightonocr2Bbox, lightonocr3, lightonocr3Small } from './models/lightonocr.ts'
import { nanonets2 } from './models/nanonets.ts'
import { olmocr2 } from './models/olmocr.ts'
import { ovisocr2 } from './models/ovisocr.ts'
import { paddleocrVl1, paddleocrVl15 } from './models/paddleocr-vl.ts'
import { qwen3Vl } from './models/qwen3-vl.ts'

/** Every profile that a served model can have. No name matches two of them. */
export const profiles: readonly ModelProfile[] = [
  lightonocr1,
  lightonocr2,
  lightonocr2Bbox,
  lightonocr3Small,
  lightonocr3,
  hunyuanocr10,
  hunyuanocr10Chinese,
  hunyuanocr15,
  ovisocr2,
  olmocr2,
  dotsMocr,
  dotsOcr,
  deepseekocr1,
  deepseekocr2,
  chandra1,
  chandra2,
  surya2,
  infinityParser2,
  nanonets2,
  graniteDocling,
  paddleocrVl1,
  paddleocrVl15,
  glmocr,
  qwen3Vl,
  generic,
]

/** Names that tell the family but no version. */
const families: readonly { readonly match: RegExp; readonly profile: ModelProfile }[] = [
  // The page image alone, at 1540 pixels, is right for versions 1 and 2, and version 3 was trained on it as well.
  // LightOn's own client assumes 3, whose layout task would make the others invent text.
  { match: /lighton[-_ ]?ocr/i, profile: lightonocr2 },
  // The root of tencent/HunyuanOCR has held 1.5 since July 2026.
  { match: /hunyuan[-_ ]?ocr/i, profile: hunyuanocr15 },
  // The first version has no number in its name.
  { match: /deepseek[-_ ]?ocr/i, profile: deepseekocr1 },
  { match: /paddle[-_ ]?ocr[-_ ]?vl/i, profile: paddleocrVl1 },
  // What their own clients call the newest one. olmOCR's preview of February 2025 wants a page's text in its prompt.
  { match: /olm[-_ ]?ocr(?!.*(?:0225|preview))/i, profile: olmocr2 },
  { match: /(?<![a-z])chandra(?![a-z])/i, profile: chandra2 },
  { match: /(?<![a-z])surya[-_ ]?ocr/i, profile: surya2 },
  { match: /ovis[-_ ]?ocr/i, profile: ovisocr2 },
  { match: /infinity[-_ ]?parser(?![-_ ]?7b)/i, profile: infinityParser2 },
]

/**
 * Models that read nothing without their own client, which sends crops and prompts of its own and must be passed through as
 * it is: MinerU's, one request for the layout and one for each block (mineru-vl-utils, `vlm_client/http_client.py`). Models
 * that read whole pages as well are not here, though they may have a client: an operator pins them.
 */
const ownClients: readonly RegExp[] = [/(?<![a-z])miner[-_ ]?u(?![a-z])/i]

/** The pin for a served model that is no OCR model: its requests pass through. */
const NO_PROFILE = 'none'

/** One served model as an upstream's `/models` lists it, with a LoRA adapter's parent resolved to its weights. */
export interface ModelEntry {
  readonly id: string
  readonly root: string
  readonly parent: string | null
}

/** Returns the profile with this id, or undefined. */
export function findProfile(id: string): ModelProfile | undefined {
  return profiles.find((profile) => profile.id === id)
}

/** Returns what a served model can be pinned to, `none` included. */
export function profileIds(): string[] {
  return [...profiles.map(({ id }) => id), NO_PROFILE]
}

/**
 * Chooses the profile of a served model: by an operator's pin, else by the name of the weights, the served name and the
 * base model of an adapter, in that order. Null for a model that is pinned to `none`, or reads with its own client only;
 * `generic` for an unknown one. Pins must hold ids of `profileIds()`.
 */
export function chooseProfile(entry: ModelEntry, pins: ReadonlyMap<string, string>): ModelProfile | null {
  const pin = pins.get(entry.id)
  if (pin === NO_PROFILE) return null
  if (pin !== undefined) return pinnedProfile(entry.id, pin)
  const names = [entry.root, entry.id, entry.parent ?? '']
  // A version in any of the names beats a family in the first: the folder is often called just `lightonocr`.
  const versions = profiles.flatMap((profile) => profile.match.map((match) => ({ match, profile })))
  const known = firstMatch(names, versions) ?? firstMatch(names, families)
  if (known !== undefined) return known
  return ownClients.some((match) => names.some((name) => match.test(name))) ? null : generic
}

function firstMatch(names: readonly string[], rules: typeof families): ModelProfile | undefined {
  for (const name of names) {
    const rule = rules.find(({ match }) => match.test(name))
    if (rule !== undefined) return rule.profile
  }
  return undefined
}

function pinnedProfile(name: string, pin: string): ModelProfile {
  const profile = findProfile(pin)
  if (profile === undefined) throw new TypeError(`${name} is pinned to ${pin}; profiles: ${profileIds().join(', ')}`)
  return profile
}

import type { PixelBudget, TargetSize } from '../page/target-size.ts'
import type { MarkedBlock } from './marked-blocks.ts'
import type { MarkedImage } from './marked-images.ts'

/**
 * Sampling parameters as vLLM names them. All are always sent: otherwise the defaults of the model's files would apply.
 */
export interface Sampling {
  readonly temperature: number
  readonly top_p: number
  readonly top_k?: number
  readonly repetition_penalty?: number
  readonly seed?: number
}

/**
 * How one try at a page departs from the profile's sampling. Empty for the first try, which uses the sampling that the
 * model was trained for; only later tries have a higher temperature.
 */
export type Rung = Partial<Sampling>

/** How a model is asked to do one task. */
export interface TaskPrompt {
  /** The exact text sent beside the page image; null when the model must see the image alone. */
  readonly text: string | null
  /** The page's answer is JSON rather than Markdown. */
  readonly json?: boolean
  /**
   * Builds the text from the field names that the client asked for; only for tasks that need `ocr.fields`. `shape` says which
   * names there are within them, in sentences, for models that read any.
   */
  readonly textForFields?: (fields: readonly string[], shape?: string) => string
}

/** Everything the gateway must know to use one model well. Data first: one file per model family in `models/`. */
export interface ModelProfile {
  /** Stable name, `lightonocr-2`: what an operator pins a served model to. */
  readonly id: string
  /** Part of the page key. Raised whenever a change below would change a page's raw answer. */
  readonly version: number
  /** Tried on a served model's `root`, `id` and LoRA `parent`, in that order. */
  readonly match: readonly RegExp[]
  readonly pixelBudget: PixelBudget
  readonly imageMediaType: 'image/png' | 'image/jpeg'
  /** The content of the one user message; `system` is sent first when it is a string, even an empty one. */
  readonly layout: { readonly system: string | null; readonly order: 'image-only' | 'image-then-text' }
  readonly tasks: { readonly document: TaskPrompt } & Readonly<Record<string, TaskPrompt>>
  /** Whether a client's own text may replace the task's prompt. */
  readonly freePrompt: boolean
  readonly sampling: Sampling
  /** The tries at a page, in order: a page gets at most as many attempts as there are rungs. */
  readonly ladder: readonly Rung[]
  /** Whether it thinks before it answers. The reasoning of a model that does not is its answer, wrongly cut off. */
  readonly thinks?: boolean
  /** Request fields beyond sampling, sent as they are: `chat_template_kwargs`, `skip_special_tokens`. */
  readonly extraBody: Readonly<Record<string, unknown>>
  /** The context length to assume when the server does not say. In tokens. */
  readonly defaultMaxModelLen: number
  /** The highest `max_tokens` for one page. */
  readonly maxOutputTokens: number
  /** Estimates the tokens that a page image of this size costs. */
  readonly imageTokens: (size: TargetSize) => number
  /** Versions of vLLM that serve the model badly, and why: operators are warned. */
  readonly knownProblems?: readonly { readonly versions: RegExp; readonly problem: string }[]
  /** Repairs one page's raw text. Pure; runs on the whole page, on fresh and on cached answers alike. */
  readonly clean: (text: string, task: string) => string
  /** Finds the pictures that the model marks in a page's clean text, with their places; left out: it marks none. */
  readonly findImages?: (text: string) => readonly MarkedImage[]
  /** Finds the blocks that the model marks in a page's clean text when its task is `layout`; left out: it marks none. */
  readonly findBlocks?: (text: string) => readonly MarkedBlock[]
}

/** What engines there are: vLLM servers, and the embedded one. */
export const engineNames = ['vllm', 'tesseract'] as const

/** A model as clients name it, with the profile that was chosen for it. */
export interface ServedModel {
  /** The served-model name: what goes into `model`. */
  readonly id: string
  /** The weights behind the name; part of the page key. */
  readonly root: string
  /** Base model of a LoRA adapter. */
  readonly parent: string | null
  /** Tokens; from the server when it says so. */
  readonly maxModelLen: number
  readonly created: number
  readonly ownedBy: string
  readonly engine: (typeof engineNames)[number]
  /** Null for a model that is no OCR model, or has a client of its own: its requests pass through. */
  readonly profile: ModelProfile | null
}

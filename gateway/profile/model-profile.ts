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

/** How a model is shown a page: what stands in the messages, and in which order. */
export interface MessageLayout {
  /** Sent first when it is a string, even an empty one. */
  readonly system: string | null
  /** The content of the one user message. */
  readonly order: 'image-only' | 'image-then-text' | 'text-then-image'
  /** What the text begins with before any prompt: marks of the image that the model's own client writes itself. */
  readonly textPrefix?: string
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
  readonly layout: MessageLayout
  readonly tasks: { readonly document: TaskPrompt } & Readonly<Record<string, TaskPrompt>>
  /** It reads pages, but was not made for that: where an OCR model is served as well, `default` is that one. */
  readonly isGeneral?: true
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
  /**
   * Repairs one page's raw text, and makes Markdown of it where the model writes something else. Pure; runs on the whole page,
   * on fresh and on cached answers alike. `size` is that of the page image that the model was shown, in pixels; left out where
   * places do not matter, or are those of a tile.
   */
  readonly clean: (text: string, task: string, size?: TargetSize) => string
  /** Answers are no Markdown, or have a head: those of tiles are cleaned one by one, before their texts are joined. */
  readonly cleansTiles?: true
  /** Finds the pictures that the model marks in a page's clean text, with their places; left out: it marks none. */
  readonly findImages?: (text: string) => readonly MarkedImage[]
  /** The tasks in which it marks pictures; left out: all. */
  readonly imageTasks?: readonly string[]
  /** Finds the blocks that the model marks in a page's clean text when its task is `layout`; left out: it marks none. */
  readonly findBlocks?: (text: string) => readonly MarkedBlock[]
}

/** What engines there are: vLLM servers, and the embedded one. */
export const engineNames = ['vllm', 'tesseract'] as const

/** The ways in which a page may be answered without a GPU. */
export const easyRoutes = ['text-layer', 'tesseract'] as const

/** One way in which a page may be answered without a GPU. */
export type EasyRoute = (typeof easyRoutes)[number]

/** The alias under which pages are routed: easy ones past the GPU, hard ones to another model. */
export const AUTO_MODEL = 'auto'

/** Where the pages of `auto` may go, beside the model that it stands for. */
export interface AutoRoutes {
  /** What the operator allows for easy pages; empty: nothing. */
  readonly easy: readonly EasyRoute[]
  /** Reads easy pages where that is allowed. */
  readonly embedded: ServedModel
  /** Reads hard pages; its name alone while no upstream serves it; null: they stay where they are. */
  readonly escalation: ServedModel | string | null
}

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
  /** Set where a client has named it `auto`. */
  readonly auto?: AutoRoutes
}

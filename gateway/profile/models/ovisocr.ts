import { dropRepeatedTail } from '../clean/drop-repeated-tail.ts'
import { dropThoughts } from '../clean/drop-thoughts.ts'
import { nameBoxedImages } from '../clean/name-boxed-images.ts'
import { stripFence } from '../clean/strip-fence.ts'
import { mixesPages, ovisocrOld } from '../known-problems.ts'
import { imagesInThousandths } from '../marked-images.ts'
import { MIN_TYPE_SIZE } from '../min-type-size.ts'
import type { ModelProfile } from '../model-profile.ts'
import { squareTokens } from '../smart-resize.ts'

// Sources: the card of https://huggingface.co/ATH-MaaS/OvisOCR2 (prompt, pixels, output tokens, thinking off, the repeated
// tail), by way of ocr/ovis-ocr2-server.py in https://github.com/davanstrien/uv-scripts-for-ai at 3f39a11, which copies the
// card's and adds the request to a server. Apache-2.0.

/** What its processor takes: a square of 32 pixels is one token (Qwen3.5). */
const PIXELS = { grid: 32, minPixels: 448 ** 2, maxPixels: 2880 ** 2 }

/** OvisOCR2: `ATH-MaaS/OvisOCR2`. One prompt, whole pages, Markdown with HTML tables and the places of pictures. */
export const ovisocr2: ModelProfile = {
  id: 'ovisocr-2',
  version: 1,
  match: [/ovis[-_ ]?ocr[-_ ]?v?2(?!\.?\d)/i],
  // No source names a resolution for PDFs.
  pixelBudget: { dpi: 200, maxPixels: PIXELS.maxPixels, minEdge: 32, maxRatio: 200, minTypeSize: MIN_TYPE_SIZE },
  imageMediaType: 'image/jpeg',
  layout: { system: null, order: 'image-then-text' },
  tasks: {
    document: {
      text: '\nExtract all readable content from the image in natural human reading order and output the result as a single Markdown document. For charts or images, represent them using an HTML image tag: <img src="images/bbox_{left}_{top}_{right}_{bottom}.jpg" />, where left, top, right, bottom are bounding box coordinates scaled to [0, 1000). Format formulas as LaTeX. Format tables as HTML: <table>...</table>. Transcribe all other text as standard Markdown. Preserve the original text without translation or paraphrasing.',
    },
  },
  freePrompt: false,
  sampling: { temperature: 0, top_p: 1 },
  // Its authors do not ask again.
  ladder: [{}, { temperature: 0.3, top_p: 0.95 }, { temperature: 0.7, top_p: 0.95 }],
  extraBody: { chat_template_kwargs: { enable_thinking: false } },
  defaultMaxModelLen: 32_768,
  maxOutputTokens: 16_384,
  imageTokens: squareTokens(PIXELS),
  knownProblems: [ovisocrOld, mixesPages],
  clean(text) {
    const answer = stripFence(dropThoughts(text), ['markdown', 'md'])
    const rule = { minLength: 8000, minRepeats: 5, maxPiece: 200, minRepeated: 100 }
    return nameBoxedImages(dropRepeatedTail(answer, rule))
  },
  findImages: imagesInThousandths,
}

import type { TargetSize } from '../../page/target-size.ts'
import { blocksFromHtml } from '../clean/blocks-from-html.ts'
import { dropThoughts } from '../clean/drop-thoughts.ts'
import { stripFence } from '../clean/strip-fence.ts'
import { mixesPages, suryaOld } from '../known-problems.ts'
import { blocksInThousandths, picturesInThousandths } from '../marked-blocks.ts'
import { MIN_TYPE_SIZE } from '../min-type-size.ts'
import type { ModelProfile, Rung } from '../model-profile.ts'
import { squareTokens } from '../smart-resize.ts'

// Sources: https://github.com/datalab-to/chandra at a6928a2, chandra/ (prompts.py, model/vllm.py: messages, sampling, retries;
// input.py, settings.py: resolution; model/util.py: pixels; output.py: the HTML); for Chandra 2's prompts vlmparse/clients/chandra.py
// in https://github.com/ld-lab-pulsia/vlmparse at 6517b76. https://github.com/datalab-to/surya at 2ba6915, surya/inference/
// (prompts.py, backends/openai_client.py, backends/vllm.py) and surya/settings.py. The weights are under a modified
// OpenRAIL-M, which forbids to compete with Datalab: docs/models.md.

const MAX_PIXELS = 3072 * 2048

const TAGS = `'math', 'br', 'i', 'b', 'u', 'del', 'sup', 'sub', 'table', 'tr', 'td', 'p', 'th', 'div', 'pre', 'h1', 'h2', 'h3', 'h4', 'h5', 'ul', 'ol', 'li', 'input', 'a', 'span', 'img', 'hr', 'tbody', 'small', 'caption', 'strong', 'thead', 'big', 'code'`
const ATTRIBUTES = `'class', 'colspan', 'rowspan', 'display', 'checked', 'type', 'border', 'value', 'style', 'href', 'alt', 'align'`
const LABELS = `- Caption
- Footnote
- Equation-Block
- List-Group
- Page-Header
- Page-Footer
- Image
- Section-Header
- Table
- Text
- Complex-Block
- Code-Block
- Form
- Table-Of-Contents
- Figure`

const ENDING_1 = `Only use these tags [${TAGS}], and these attributes [${ATTRIBUTES}].

Guidelines:
* Inline math: Surround math with <math>...</math> tags. Math expressions should be rendered in KaTeX-compatible LaTeX. Use display for block math.
* Tables: Use colspan and rowspan attributes to match table structure.
* Formatting: Maintain consistent formatting with the image, including spacing, indentation, subscripts/superscripts, and special characters.
* Images: Include a description of any images in the alt attribute of an <img> tag. Do not fill out the src property.
* Forms: Mark checkboxes and radio buttons properly.
* Text: join lines together properly into paragraphs using <p>...</p> tags.  Use <br> tags for line breaks within paragraphs, but only when absolutely necessary to maintain meaning.
* Use the simplest possible HTML structure that accurately represents the content of the block.
* Make sure the text is accurate and easy for a human to read and interpret.  Reading order should be correct and natural.`

const LAYOUT_1 = `OCR this image to HTML, arranged as layout blocks.  Each layout block should be a div with the data-bbox attribute representing the bounding box of the block in [x0, y0, x1, y1] format.  Bboxes are normalized 0-1024. The data-label attribute is the label for the block.

Use the following labels:
${LABELS}

${ENDING_1}`

const ENDING_2 = `Only use these tags [${TAGS}, 'chem'], and these attributes [${ATTRIBUTES}, 'data-bbox', 'data-label'].

Guidelines:
* Inline math: Surround math with <math>...</math> tags. Math expressions should be rendered in KaTeX-compatible LaTeX. Use display for block math.
* Tables: Use colspan and rowspan attributes to match table structure.
* Formatting: Maintain consistent formatting with the image, including spacing, indentation, subscripts/superscripts, and special characters.
* Images: Include a description of any images in the alt attribute of an <img> tag. Do not fill out the src property. Describe in detail inside the div tag. Also convert charts to high fidelity data, and convert diagrams to mermaid.
* Forms: Mark checkboxes and radio buttons properly.
* Text: join lines together properly into paragraphs using <p>...</p> tags.  Use <br> tags for line breaks within paragraphs, but only when absolutely necessary to maintain meaning.
* Chemistry: Use <chem>...</chem> tags for chemical formulas with reactive SMILES.
* Lists: Preserve indents and proper list markers.
* Use the simplest possible HTML structure that accurately represents the content of the block.
* Make sure the text is accurate and easy for a human to read and interpret.  Reading order should be correct and natural.`

const LAYOUT_2 = `OCR this image to HTML, arranged as layout blocks.  Each layout block should be a div with the data-bbox attribute representing the bounding box of the block in x0 y0 x1 y1 format.  Bboxes are normalized 0-1000. The data-label attribute is the label for the block.

Use the following labels:
${LABELS}
- Chemical-Block
- Diagram
- Bibliography
- Blank-Page

${ENDING_2}`

const PLAIN = 'OCR this image to HTML.'
const SURYA =
  'OCR this image to HTML. Each block is a div with data-label and data-bbox (x0 y0 x1 y1, normalized 0-1000).'

/** Retries with more temperature at each step, as `chat_completions_batch` in surya's client asks again. */
const rungs = (temperatures: readonly number[]): readonly Rung[] => [
  {},
  ...temperatures.map((temperature) => ({ temperature, top_p: 0.95 })),
]

/** Makes Markdown of the HTML, its places counted in so many parts of the page. */
const cleaner = (scale: number) => (text: string, task: string) =>
  stripFence(blocksFromHtml(dropThoughts(text), task, scale), ['markdown', 'md'])

const common = {
  version: 1,
  imageMediaType: 'image/png',
  // 192 dots per inch, as both of their clients draw pages. Images with a short side below 1536 pixels they enlarge; the gateway
  // never does.
  pixelBudget: { dpi: 192, maxPixels: MAX_PIXELS, minEdge: 32, maxRatio: 200, minTypeSize: MIN_TYPE_SIZE },
  layout: { system: null, order: 'image-then-text' },
  freePrompt: false,
  sampling: { temperature: 0, top_p: 0.1 },
  extraBody: {},
  knownProblems: [mixesPages],
  cleansTiles: true,
  findImages: picturesInThousandths,
  imageTasks: ['document', 'layout'],
  findBlocks: blocksInThousandths,
} as const satisfies Partial<ModelProfile>

/** The tokens of a model on Qwen3.5, of what its client sends at most. */
const qwenTokens: (size: TargetSize) => number = squareTokens({ grid: 32, minPixels: 3136, maxPixels: MAX_PIXELS })

/** Chandra 1: `datalab-to/chandra`. */
export const chandra1: ModelProfile = {
  ...common,
  id: 'chandra-1',
  match: [/datalab-to(?:\/|--)chandra(?![-_\w])/i, /(?<![a-z])chandra[-_ ]?(?:ocr[-_ ]?)?v?1(?!\.?\d)/i],
  tasks: { document: { text: LAYOUT_1 }, layout: { text: LAYOUT_1 }, text: { text: `${PLAIN}\n\n${ENDING_1}` } },
  // Its client tries 0.3 six times; here each try is warmer than the one before.
  ladder: rungs([0.3, 0.6]),
  defaultMaxModelLen: 32_768,
  maxOutputTokens: 12_384,
  imageTokens: squareTokens({ grid: 32, minPixels: 28 ** 2, maxPixels: MAX_PIXELS }),
  clean: cleaner(1024),
}

/** Chandra 2: `datalab-to/chandra-ocr-2`. */
export const chandra2: ModelProfile = {
  ...common,
  id: 'chandra-2',
  match: [/(?<![a-z])chandra[-_ ]?(?:ocr[-_ ]?)?v?2(?!\.?\d)/i],
  tasks: { document: { text: LAYOUT_2 }, layout: { text: LAYOUT_2 }, text: { text: `${PLAIN}\n\n${ENDING_2}` } },
  ladder: rungs([0.2, 0.4, 0.6]),
  defaultMaxModelLen: 32_768,
  maxOutputTokens: 12_384,
  imageTokens: qwenTokens,
  clean: cleaner(1000),
}

/** Surya 2: `datalab-to/surya-ocr-2`, asked for whole pages at once ("full page" in its client). */
export const surya2: ModelProfile = {
  ...common,
  id: 'surya-2',
  match: [/(?<![a-z])surya[-_ ]?(?:ocr[-_ ]?)?v?2(?!\.?\d)/i],
  tasks: { document: { text: SURYA }, layout: { text: SURYA } },
  ladder: rungs([0.2, 0.4, 0.6]),
  defaultMaxModelLen: 18_000,
  // Its client asks for 12,288; with the largest page 11,700 are left of its context.
  maxOutputTokens: 12_288,
  imageTokens: qwenTokens,
  knownProblems: [suryaOld, mixesPages],
  clean: cleaner(1000),
}

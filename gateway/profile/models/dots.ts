import type { TargetSize } from '../../page/target-size.ts'
import { blocksFromJson } from '../clean/blocks-from-json.ts'
import type { BlockLabel } from '../clean/layout-blocks.ts'
import { stripFence } from '../clean/strip-fence.ts'
import { mixesPages } from '../known-problems.ts'
import { blocksInThousandths, picturesInThousandths } from '../marked-blocks.ts'
import { MIN_TYPE_SIZE } from '../min-type-size.ts'
import type { ModelProfile } from '../model-profile.ts'
import { smartResize, squareTokens } from '../smart-resize.ts'

// Sources, in https://github.com/rednote-hilab/dots.ocr at 36d7248: dots_ocr/model/inference.py (messages, sampling),
// dots_ocr/parser.py (resolution, sampling of dots.mocr, output tokens), dots_ocr/utils/prompts.py, image_utils.py and
// layout_utils.py (sizes, what places are counted in), format_transformer.py (the Markdown).

const PIXELS = { grid: 28, minPixels: 3136, maxPixels: 11_289_600 }

const LABELS: Readonly<Record<string, BlockLabel>> = {
  caption: 'caption',
  footnote: 'footnote',
  formula: 'formula',
  'list-item': 'list',
  'page-footer': 'footer',
  'page-header': 'header',
  picture: 'image',
  'section-header': 'section',
  table: 'table',
  text: 'text',
  title: 'title',
}

const LAYOUT_ALL = `Please output the layout information from the PDF image, including each layout element's bbox, its category, and the corresponding text content within the bbox.

1. Bbox format: [x1, y1, x2, y2]

2. Layout Categories: The possible categories are ['Caption', 'Footnote', 'Formula', 'List-item', 'Page-footer', 'Page-header', 'Picture', 'Section-header', 'Table', 'Text', 'Title'].

3. Text Extraction & Formatting Rules:
    - Picture: For the 'Picture' category, the text field should be omitted.
    - Formula: Format its text as LaTeX.
    - Table: Format its text as HTML.
    - All Others (Text, Title, etc.): Format their text as Markdown.

4. Constraints:
    - The output text must be the original text from the image, with no translation.
    - All layout elements must be sorted according to human reading order.

5. Final Output: The entire output must be a single JSON object.
`

/** Places are in pixels of the image as the model's processor has resized it. */
function clean(text: string, task: string, size?: TargetSize): string {
  if (task === 'text') return stripFence(text, ['markdown', 'md'])
  const frame = size === undefined ? null : smartResize(size, PIXELS)
  return stripFence(blocksFromJson(text, task, { labels: LABELS, frame }), ['markdown', 'md'])
}

/** dots.mocr: `rednote-hilab/dots.mocr`, also named `dots.ocr-1.5`, and moved to `dots-studio`. */
export const dotsMocr: ModelProfile = {
  id: 'dots-mocr',
  version: 1,
  match: [/dots[-_. ]?m[-_ ]?ocr/i, /dots[-_. ]?ocr[-_ ]?v?1[._]5(?!\d)/i],
  pixelBudget: { dpi: 200, maxPixels: PIXELS.maxPixels, minEdge: 28, maxRatio: 200, minTypeSize: MIN_TYPE_SIZE },
  imageMediaType: 'image/png',
  // Its client writes the marks of the image itself, and the server adds none: `--chat-template-content-format string`.
  layout: { system: null, order: 'image-then-text', textPrefix: '<|img|><|imgpad|><|endofimg|>' },
  tasks: {
    document: { text: LAYOUT_ALL },
    // The same question: the places of blocks are kept as marks.
    layout: { text: LAYOUT_ALL },
    text: { text: 'Extract the text content from this image.' },
  },
  freePrompt: false,
  sampling: { temperature: 0.1, top_p: 1 },
  // Its authors do not ask again.
  ladder: [{}, { temperature: 0.3 }, { temperature: 0.7 }],
  extraBody: {},
  defaultMaxModelLen: 131_072,
  maxOutputTokens: 16_384,
  imageTokens: squareTokens(PIXELS),
  knownProblems: [mixesPages],
  clean,
  cleansTiles: true,
  findImages: picturesInThousandths,
  imageTasks: ['document', 'layout'],
  findBlocks: blocksInThousandths,
}

/** dots.ocr: `rednote-hilab/dots.ocr`. */
export const dotsOcr: ModelProfile = {
  ...dotsMocr,
  id: 'dots-ocr',
  match: [/dots[-_. ]?ocr(?![-_ ]?v?1[._]5(?!\d))/i],
  sampling: { temperature: 0.1, top_p: 0.9 },
  maxOutputTokens: 32_768,
}

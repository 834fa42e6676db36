import { blocksFromJson } from '../clean/blocks-from-json.ts'
import { dropThoughts } from '../clean/drop-thoughts.ts'
import { THOUSANDTHS, type BlockLabel } from '../clean/layout-blocks.ts'
import { stripFence } from '../clean/strip-fence.ts'
import { infinityParserOld, mixesPages } from '../known-problems.ts'
import { blocksInThousandths, picturesInThousandths } from '../marked-blocks.ts'
import { MIN_TYPE_SIZE } from '../min-type-size.ts'
import type { ModelProfile } from '../model-profile.ts'
import { squareTokens } from '../smart-resize.ts'

// Sources, in https://github.com/infly-ai/INF-MLLM at 0195e76, Infinity-Parser2/infinity_parser2/: backends/vllm_server.py
// (messages, sampling, thinking off), prompts.py, utils/image.py (pixels), utils/utils.py (thousandths, categories), and the README
// (300 dpi, the context); evaluation/olmocr-bench/infer.py (which of the two prompts it was measured with).

const PIXELS = { grid: 32, minPixels: 2048, maxPixels: 16_777_216 }

const LABELS: Readonly<Record<string, BlockLabel>> = {
  header: 'header',
  title: 'title',
  text: 'text',
  figure: 'image',
  table: 'table',
  formula: 'formula',
  figure_caption: 'caption',
  table_caption: 'caption',
  formula_caption: 'caption',
  figure_footnote: 'footnote',
  table_footnote: 'footnote',
  page_footnote: 'footnote',
  footer: 'footer',
}

const TO_JSON = `
- Extract layout information from the provided PDF image.
- For each layout element, output its bbox, category, and the text content within the bbox.
- Bbox format: [x1, y1, x2, y2].
- Allowed layout categories: ['header', 'title', 'text', 'figure', 'table', 'formula', 'figure_caption', 'table_caption', 'formula_caption', 'figure_footnote', 'table_footnote', 'page_footnote', 'footer'].
- Text extraction and formatting:
  1) For 'figure', the text field must be an empty string.
  2) For 'formula', format text as LaTeX.
  3) For 'table', format text as HTML.
  4) For all other categories (e.g., text, title), format text as Markdown.
- The output text must be exactly the original text from the image, with no translation or rewriting.
- Sort all layout elements in human reading order.
- Final output must be a single JSON object.
`

const TO_MARKDOWN = String.raw`
You are an AI assistant specialized in converting PDF images to Markdown format. Please follow these instructions for the conversion:

1. Text Processing:
- Accurately recognize all text content in the PDF image without guessing or inferring.
- Convert the recognized text into Markdown format.
- Maintain the original document structure, including headings, paragraphs, lists, etc.

2. Mathematical Formula Processing:
- Convert all mathematical formulas to LaTeX format.
- Enclose inline formulas with $ $. For example: This is an inline formula $E = mc^2$
- Enclose block formulas with $$ $$. For example: $$\frac{-b \pm \sqrt{b^2 - 4ac}}{2a}$$

3. Table Processing:
- Convert tables to HTML format.

4. Figure Handling:
- Ignore figures content in the PDF image. Do not attempt to describe or convert images.

5. Output Format:
- Ensure the output Markdown document has a clear structure with appropriate line breaks between elements.
- For complex layouts, try to maintain the original document's structure and format as closely as possible.

Please strictly follow these guidelines to ensure accuracy and consistency in the conversion. Your task is to accurately convert the content of the PDF image into Markdown format without adding any extra explanations or comments.
`

/** Infinity-Parser2: `infly/Infinity-Parser2-Pro` and `-Flash`. */
export const infinityParser2: ModelProfile = {
  id: 'infinity-parser-2',
  version: 1,
  match: [/infinity[-_ ]?parser[-_ ]?v?2(?!\.?\d)/i],
  pixelBudget: { dpi: 300, maxPixels: PIXELS.maxPixels, minEdge: 32, maxRatio: 200, minTypeSize: MIN_TYPE_SIZE },
  imageMediaType: 'image/png',
  layout: { system: null, order: 'image-then-text' },
  tasks: {
    // What its client asks by default, and asked for its own scores.
    document: { text: TO_JSON },
    // The same question: the places of blocks are kept as marks.
    layout: { text: TO_JSON },
    markdown: { text: TO_MARKDOWN },
  },
  freePrompt: false,
  sampling: { temperature: 0, top_p: 1 },
  // Its authors do not ask again.
  ladder: [{}, { temperature: 0.2 }, { temperature: 0.5 }],
  extraBody: { chat_template_kwargs: { enable_thinking: false } },
  defaultMaxModelLen: 65_536,
  maxOutputTokens: 32_768,
  imageTokens: squareTokens(PIXELS),
  knownProblems: [infinityParserOld, mixesPages],
  clean(text, task) {
    const answer = dropThoughts(text)
    const isJson = task !== 'markdown'
    const page = isJson ? blocksFromJson(answer, task, { labels: LABELS, frame: THOUSANDTHS }) : answer
    return stripFence(page, ['markdown', 'md'])
  },
  cleansTiles: true,
  findImages: picturesInThousandths,
  imageTasks: ['document', 'layout'],
  findBlocks: blocksInThousandths,
}

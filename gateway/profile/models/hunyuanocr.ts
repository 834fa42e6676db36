import type { TargetSize } from '../../page/target-size.ts'
import { dropRepeatedTail, type RepetitionRule } from '../clean/drop-repeated-tail.ts'
import { stripFence } from '../clean/strip-fence.ts'
import { hunyuanocr15Old, hunyuanocrMissing, mixesPages } from '../known-problems.ts'
import { MIN_TYPE_SIZE } from '../min-type-size.ts'
import type { ModelProfile, TaskPrompt } from '../model-profile.ts'
import { smartResize } from '../smart-resize.ts'

// Sources, all in https://github.com/Tencent-Hunyuan/HunyuanOCR:
// 1.0: README.md and Hunyuan-OCR-master/Hunyuan-OCR-vllm/run_hy_ocr.py at b138959; paper arXiv 2511.19575.
// 1.5: inference/utils/tasks.py, inference/utils/output_utils.py and inference/vLLM/infer_vllm_client.py at c55965d;
//      paper arXiv 2607.04884.
// Both are under the Tencent Hunyuan Community License, which excludes the EU, the UK and South Korea: docs/models.md.

/** By default HF's HunYuanVL processor shrinks larger images to this, and enlarges those below 512 × 512. */
const MAX_PIXELS = 2048 * 2048
const MIN_PIXELS = 512 * 512

/**
 * One token for each square of 32 pixels (patch 16, merged two by two) and each end of a row, and two around the image.
 * npm run test:vllm counts with a real server.
 */
function imageTokens(size: TargetSize): number {
  const { width, height } = smartResize(size, { grid: 32, minPixels: MIN_PIXELS, maxPixels: MAX_PIXELS })
  return (height / 32) * (width / 32 + 1) + 2
}

const cleaner =
  (rule: RepetitionRule) =>
  (text: string, task: string): string =>
    // "IE answers may arrive in a fenced json block" (README 1.0, the example of information extraction).
    dropRepeatedTail(stripFence(text, isJson(task) ? ['json'] : ['markdown', 'md']), rule)

const isJson = (task: string): boolean => task === 'extract' || task === 'spotting'

/** Writes field names as the examples do, which is how Python prints a list: `['Name', 'Date of birth']`. */
const pythonList = (fields: readonly string[]): string => `[${fields.map(pythonString).join(', ')}]`

function pythonString(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return text.includes("'") && !text.includes('"') ? `"${escaped}"` : `'${escaped.replaceAll("'", "\\'")}'`
}

const extract = (textForFields: (fields: readonly string[]) => string): TaskPrompt => ({
  text: null,
  json: true,
  textForFields,
})

const common = {
  version: 1,
  // 200 dots per inch keep small print readable; larger images cost tokens and become unstable (issue #114).
  // Sides are whole squares of 32 pixels; "absolute aspect ratio must be smaller than 200" (HunYuanVL's processor).
  pixelBudget: { dpi: 200, maxPixels: MAX_PIXELS, minEdge: 32, maxRatio: 200, minTypeSize: MIN_TYPE_SIZE },
  imageMediaType: 'image/png',
  // An empty system message, and the image before the text: announced as a fix on 2025-11-28 (README 1.0, "News").
  layout: { system: '', order: 'image-then-text' },
  imageTokens,
} as const satisfies Partial<ModelProfile>

/** HunyuanOCR 1.0, asked in English. Since July 2026 its weights are the folder `v1.0` of `tencent/HunyuanOCR`. */
export const hunyuanocr10: ModelProfile = {
  ...common,
  id: 'hunyuanocr-1.0',
  match: [/hunyuan[-_ ]?ocr.*(?<![\d.])v?1[._]0(?!\d)/i],
  tasks: {
    document: {
      text: 'Extract all information from the main body of the document image and represent it in markdown format, ignoring headers and footers. Tables should be expressed in HTML format, formulas in the document should be represented using LaTeX format, and the parsing should be organized according to the reading order.',
    },
    text: { text: 'Extract the text in the image.' },
    table: { text: 'Parse the table in the image into HTML.' },
    formula: { text: 'Identify the formula in the image and represent it using LaTeX format.' },
    chart: {
      text: 'Parse the chart in the image; use Mermaid format for flowcharts and Markdown for other charts.',
    },
    spotting: {
      text: 'Detect and recognize text in the image, and output the text coordinates in a formatted manner.',
    },
    extract: extract(
      (fields) =>
        `Extract the content of the fields: ${pythonList(fields)} from the image and return it in JSON format.`,
    ),
    subtitles: { text: 'Extract the subtitles from the image.' },
    translate: {
      text: 'First extract the text, then translate the text content into English. If it is a document, ignore the header and footer. Formulas should be represented in LaTeX format, and tables should be represented in HTML format.',
    },
  },
  freePrompt: true,
  // run_hy_ocr.py. With top_k 1, a higher temperature alone changes nothing.
  sampling: { temperature: 0, top_p: 0.95, top_k: 1, repetition_penalty: 1, seed: 1234 },
  ladder: [{}, { temperature: 0.2, top_k: -1, seed: 1235 }, { temperature: 0.5, top_k: -1, seed: 1236 }],
  extraBody: {},
  defaultMaxModelLen: 32_768,
  maxOutputTokens: 16_384,
  knownProblems: [hunyuanocrMissing, mixesPages],
  clean: cleaner({ minLength: 8000, minRepeats: 10 }),
}

/** HunyuanOCR 1.0, asked in Chinese. Never chosen by name: an operator pins it. */
export const hunyuanocr10Chinese: ModelProfile = {
  ...hunyuanocr10,
  id: 'hunyuanocr-1.0-zh',
  match: [],
  tasks: {
    document: {
      text: '提取文档图片中正文的所有信息用 markdown 格式表示，其中页眉、页脚部分忽略，表格用 html 格式表达，文档中公式用 latex 格式表示，按照阅读顺序组织进行解析。',
    },
    text: { text: '提取图中的文字。' },
    table: { text: '把图中的表格解析为 HTML。' },
    formula: { text: '识别图片中的公式，用 LaTeX 格式表示。' },
    chart: { text: '解析图中的图表，对于流程图使用 Mermaid 格式表示，其他图表使用 Markdown 格式表示。' },
    spotting: { text: '检测并识别图片中的文字，将文本坐标格式化输出。' },
    extract: extract((fields) => `提取图片中的: ${pythonList(fields)} 的字段内容，并按照 JSON 格式返回。`),
    subtitles: { text: '提取图片中的字幕。' },
    translate: {
      text: '先提取文字，再将文字内容翻译为英文。若是文档，则其中页眉、页脚忽略。公式用latex格式表示，表格用html格式表示。',
    },
  },
}

/** HunyuanOCR 1.5: the root of `tencent/HunyuanOCR` since July 2026. Its prompts are fixed, and Chinese (tasks.py). */
export const hunyuanocr15: ModelProfile = {
  ...common,
  id: 'hunyuanocr-1.5',
  match: [/hunyuan[-_ ]?ocr.*(?<![\d.])v?1[._]5(?!\d)/i],
  tasks: {
    document: {
      text: '提取文档图片中正文的所有信息用markdown格式表示，其中页眉、页脚部分忽略，表格用html格式表达，文档中公式用latex格式表示，按照阅读顺序组织进行解析。',
    },
    text: { text: '提取图中的文字。' },
    table: { text: '把图中的表格解析为HTML。' },
    formula: { text: '识别图片中的公式，用LaTeX格式表示。' },
    chart: { text: '解析图中的图表，对于流程图使用Mermaid格式表示，其他图表使用Markdown格式表示。' },
    spotting: {
      text: '检测并识别图中所有的文字行，请按从上到下、从左到右的阅读顺序进行识别。 输出格式为 JSON 数组，每个元素必须包含："box": [xmin, ymin, xmax, ymax]（坐标需归一化到 [0, 1000] 范围内）；"text": "识别出的文字内容"。 注意：请直接输出 JSON 数组，不要包含任何多余的描述性文字。',
      json: true,
    },
    spotting_text: { text: '检测并识别图片中的文字，将文本坐标格式化输出。' },
    // Not in tasks.py, but trained ("IE" in its scope note): the wording of README_v1.0.md beside it.
    extract: extract((fields) => `提取图片中的: ${pythonList(fields)} 的字段内容，并按照JSON格式返回。`),
    layout: { text: '按照阅读顺序解析图中的版式信息。' },
    document_layout: {
      text: '提取文档图片中所有内容用markdown格式表示，表格用html格式表达，文档中公式用latex格式表示，请按照阅读顺序组织进行全文解析，并输出版式分析信息。',
    },
    translate: {
      text: '按照阅读顺序，提取图中文字，公式用latex格式表示，表格用markdown格式表示，再将文字内容翻译为英文。',
    },
    translate_zh: {
      text: '按照阅读顺序，提取图中文字，公式用latex格式表示，表格用markdown格式表示，再将文字内容翻译为中文。',
    },
    translate_document_zh: {
      text: '先解析文档，再将文档内容翻译为中文，其中页眉、页脚忽略，公式用latex格式表示，表格用html格式表示。',
    },
  },
  freePrompt: false,
  sampling: { temperature: 0, top_p: 1, top_k: -1, repetition_penalty: 1.08 },
  ladder: [{}, { temperature: 0.2 }, { temperature: 0.5 }],
  extraBody: { skip_special_tokens: true },
  defaultMaxModelLen: 131_072,
  maxOutputTokens: 32_768,
  knownProblems: [hunyuanocr15Old, mixesPages],
  clean: cleaner({ minLength: 2000, minRepeats: 10 }),
}

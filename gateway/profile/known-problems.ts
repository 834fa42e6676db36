import type { ModelProfile } from './model-profile.ts'

type KnownProblems = NonNullable<ModelProfile['knownProblems']>

// A build from a checkout without tags calls itself 0.1.dev1, whatever its age. Only releases have a third number.

/**
 * Of every vision model: https://github.com/vllm-project/vllm/issues/30342, mended by pull request 30344 in December
 * 2025.
 */
export const mixesPages: KnownProblems[number] = {
  versions: /^0\.(?:\d|1[0-2])\.\d/,
  problem: 'under load an answer may hold the text of another page (vllm-project/vllm#30342). Use 0.13 or later.',
}

/** Of LightOnOCR: README of https://github.com/lightonai/LightOnOCR at 36755d4. */
export const lightonocrLoops: KnownProblems[number] = {
  versions: /^0\.27\.1(?!\d)/,
  problem: 'compiled, every LightOnOCR model loops. Use 0.30.0, as its authors do.',
}

/** Of HunyuanOCR 1.0: https://github.com/Tencent-Hunyuan/HunyuanOCR/issues/41, native since pull request 29327. */
export const hunyuanocrMissing: KnownProblems[number] = {
  versions: /^0\.(?:\d|1[01])\.\d/,
  problem: 'it has no HunyuanOCR of its own and falls back to one that fails. Use 0.12 or later.',
}

/** Of HunyuanOCR 1.5: README of https://github.com/Tencent-Hunyuan/HunyuanOCR at c55965d. */
export const hunyuanocr15Old: KnownProblems[number] = {
  versions: /^0\.(?:(?:\d|1[0-7])\.\d|18\.0(?!\d))/,
  problem: 'its authors ask for 0.25.1 with CUDA 13, or 0.18.1 with CUDA 12.',
}

/** Of OvisOCR2: its card, by way of ocr/ovis-ocr2-server.py in davanstrien/uv-scripts-for-ai at 3f39a11. */
export const ovisocrOld: KnownProblems[number] = {
  versions: /^0\.(?:(?:\d|1\d|2[01])\.\d|22\.0(?!\d))/,
  problem: 'its authors ask for 0.22.1 or later.',
}

/** Of DeepSeek-OCR: DeepSeek/DeepSeek-OCR.md in https://github.com/vllm-project/recipes at 8959cf6. */
export const deepseekocrOld: KnownProblems[number] = {
  versions: /^0\.(?:(?:\d|10)\.\d|11\.0(?!\d))/,
  problem: 'it has no DeepSeek-OCR of its own. Use 0.11.1 or later.',
}

/** Of DeepSeek-OCR: ocr/deepseek-ocr-vllm.py in https://github.com/davanstrien/uv-scripts-for-ai at 53ddc53. */
export const deepseekocrBroken: KnownProblems[number] = {
  versions: /^0\.30\.\d/,
  problem: "a kernel of DeepSeek-OCR's encoder fails there. Use 0.29.0.",
}

/** Of Infinity-Parser2: its README at 0195e76. Only versions that surely lack the architecture are named. */
export const infinityParserOld: KnownProblems[number] = {
  versions: /^0\.(?:\d|1[0-6])\.\d/,
  problem: 'its authors use 0.17.1.',
}

/** Of Surya 2: surya/settings.py in https://github.com/datalab-to/surya at 2ba6915. */
export const suryaOld: KnownProblems[number] = {
  versions: /^0\.(?:(?:\d|1\d)\.\d|20\.0(?!\d))/,
  problem: 'its authors use 0.20.1.',
}

/** Of Nanonets-OCR2: ocr/nanonets-ocr2.py in https://github.com/davanstrien/uv-scripts-for-ai at 483ff79. */
export const nanonetsDegenerates: KnownProblems[number] = {
  versions: /^0\.(?:1[1-9]|[2-9]\d)\.\d/,
  problem:
    'under load its answers may be nothing but "!" (vllm-project/vllm#27775). The last version known good is 0.10.2.',
}

/** Of PaddleOCR-VL: PaddlePaddle/PaddleOCR-VL.md in https://github.com/vllm-project/recipes at 8959cf6. */
export const paddleocrOld: KnownProblems[number] = {
  versions: /^0\.(?:(?:\d|10)\.\d|11\.0(?!\d))/,
  problem: 'it has no PaddleOCR-VL of its own. Use 0.11.1 or later.',
}

/** Of GLM-OCR: its README at cef4d0e. */
export const glmocrOld: KnownProblems[number] = {
  versions: /^0\.(?:\d|1[0-8])\.\d/,
  problem: 'its authors ask for 0.19 or later, with transformers 5.3.',
}

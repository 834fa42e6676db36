/**
 * The vector instructions of WebAssembly that this process can run: none, fixed-width SIMD, or relaxed SIMD as well.
 */
export type Simd = 'none' | 'fixed' | 'relaxed'

// Two WebAssembly modules, each with one function that needs the feature: a module is valid only where V8 and the CPU
// have it. From https://github.com/GoogleChromeLabs/wasm-feature-detect (src/detectors/simd and relaxed-simd).
// prettier-ignore
const FIXED_SIMD_MODULE = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0,
  65, 0, 253, 15, 253, 98, 11,
)
// prettier-ignore
const RELAXED_SIMD_MODULE = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0,
  65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11,
)

/** Tells which vector instructions this process can run. */
export function detectSimd(): Simd {
  if (WebAssembly.validate(RELAXED_SIMD_MODULE)) return 'relaxed'
  return WebAssembly.validate(FIXED_SIMD_MODULE) ? 'fixed' : 'none'
}

/** The cores of `tesseract.js-core` that hold the LSTM recognizer alone. */
const cores = {
  relaxed: 'tesseract-core-relaxedsimd-lstm',
  fixed: 'tesseract-core-simd-lstm',
  none: 'tesseract-core-lstm',
} as const satisfies Record<Simd, string>

/**
 * Returns the module name of the fastest core that runs with these instructions; without any it is ten times slower.
 */
export function chooseCore(simd: Simd): string {
  return `tesseract.js-core/${cores[simd]}`
}

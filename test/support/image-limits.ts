import type { ImageLimits } from '../../gateway/rasterizer/image/memory.ts'

/** As a gateway with default settings has it. */
const MAX_MEMORY_BYTES = 576 * 2 ** 20

/** What may be decoded where a test asks for less, or for more, pixels. */
export function limitsOf(maxImagePixels: number, maxMemoryBytes = MAX_MEMORY_BYTES): ImageLimits {
  return { maxImagePixels, maxMemoryBytes }
}

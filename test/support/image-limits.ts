import { MAX_IMAGE_MEMORY_BYTES, type ImageLimits } from '../../gateway/rasterizer/image/memory.ts'

/** What may be decoded where a test asks for less, or for more, pixels. */
export function limitsOf(maxImagePixels: number, maxMemoryBytes = MAX_IMAGE_MEMORY_BYTES): ImageLimits {
  return { maxImagePixels, maxMemoryBytes }
}

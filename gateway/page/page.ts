/** A page as the document states it: points (1/72 inch) for vector pages, pixels for raster ones. Rotation already applied. */
export interface PageSize {
  readonly width: number
  readonly height: number
  readonly unit: 'pt' | 'px'
}

/** The encoded bitmap of one page, as an engine is shown it. */
export interface PageImage {
  readonly data: Uint8Array<ArrayBuffer>
  readonly mediaType: 'image/png' | 'image/jpeg'
  /** Pixels. */
  readonly width: number
  readonly height: number
  /** Which of the gateway's rasterizers drew it. */
  readonly rasterizer: 'pdfium' | 'pdfjs' | 'scan' | 'sharp'
}

/** Changes to a page's pixels before an engine is shown them. All are off unless asked for. */
export interface Preparation {
  /** Turns pages upright that lie on a side or upside down, when that is certain. */
  readonly rotate?: boolean
  /** Levels pages whose lines slope. */
  readonly deskew?: boolean
  /** Makes pages black and white. */
  readonly binarize?: boolean
  /**
   * Reads pages far beyond the target size in tiles; false: reads every page as a whole. Left out, pages are read in
   * tiles whose type would be too small as a whole.
   */
  readonly tile?: boolean
  /** `auto` draws pages of small type larger and sparse ones smaller, within the pixel budget. */
  readonly resolution?: 'auto'
}

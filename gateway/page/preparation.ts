/** What is done to a page's pixels before an engine is shown them. All of it is off unless asked for. */
export interface Preparation {
  /** Puts pages that lie on a side or on their head upright, when that is sure. */
  readonly rotate?: boolean
  /** Turns pages whose lines slope until they are level. */
  readonly deskew?: boolean
  /** Leaves only black and white. */
  readonly binarize?: boolean
  /** Reads images far beyond the target size in overlapping tiles. */
  readonly tile?: boolean
  /** `auto` draws pages of small type larger and sparse ones smaller, within the pixel budget. */
  readonly resolution?: 'auto'
}

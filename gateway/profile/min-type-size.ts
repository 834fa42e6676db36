/**
 * The least height of an x that vision models can read, in pixels. An e has three strokes and two gaps between them: on
 * fewer than four rows these run together, and e, c and o look the same. No model's authors state a size. On A4 at 1540
 * pixels an x of 4-point type is as high, and on A3 one of 6-point type.
 */
export const MIN_TYPE_SIZE = 4

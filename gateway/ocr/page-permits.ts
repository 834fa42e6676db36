import type { PageAllowance } from '../access/page-allowance.ts'
import type { OcrRequest } from '../request/ocr-request.ts'

/** Returns how many readings so many pages of a request take: those that a second model reads too take two each. */
export function readingsOf({ routes }: Pick<OcrRequest, 'routes'>, pages: number): number {
  return routes?.referee?.question == null ? pages : 2 * pages
}

/** Permission to read so many pages of a request, each with all its readings, now or later. */
export async function permitPages(
  allowance: Pick<PageAllowance, 'admit'>,
  request: Pick<OcrRequest, 'routes' | 'turn'>,
  pages: number,
): ReturnType<PageAllowance['admit']> {
  const each = readingsOf(request, 1)
  const { perWindow, next } = await allowance.admit(request.turn.key, pages * each)
  return {
    perWindow: Math.ceil(perWindow / each),
    async next(signal) {
      for (let left = each; left > 0; left--) await next(signal)
    },
  }
}

import type { PageShare } from '../prepare/ink-in-box.ts'
import type { Box } from './scan/geometry.ts'

/** Returns where a box in points lies on the page as it is drawn, which is turned clockwise by quarters. */
export function shareOf(box: Box, page: Box, turns: number): PageShare {
  const [across, down] = [page.right - page.left, page.top - page.bottom]
  const left = (box.left - page.left) / across
  const right = (box.right - page.left) / across
  const low = (box.bottom - page.bottom) / down
  const high = (box.top - page.bottom) / down
  if (turns % 4 === 1) return { left: low, right: high, top: left, bottom: right }
  if (turns % 4 === 2) return { left: 1 - right, right: 1 - left, top: low, bottom: high }
  if (turns % 4 === 3) return { left: 1 - high, right: 1 - low, top: 1 - right, bottom: 1 - left }
  return { left, right, top: 1 - high, bottom: 1 - low }
}

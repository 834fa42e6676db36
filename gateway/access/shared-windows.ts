import type { Windows } from './window.ts'

/** How a gateway does without the windows that it shares. */
export interface SharedWindowsOptions {
  readonly shared: Windows
  /** What counts meanwhile. */
  readonly own: Windows
  /** Told of each use of its own, with what is wrong with the shared ones. */
  readonly onAlone: (error: unknown) => void
  readonly now?: () => number
}

/** Windows that do not answer are not asked for so long, in milliseconds: each request would wait for them. */
const PAUSE = 5000

/**
 * Returns windows that are shared while they answer. While they do not, each gateway counts for itself: a caller may pass as
 * often as it has limits, rather than not at all.
 */
export function createSharedWindows(options: SharedWindowsOptions): Windows {
  const { shared, own, onAlone, now = () => performance.now() } = options
  let until = -Infinity
  let reason: unknown
  return {
    async take(wish) {
      if (now() >= until) {
        try {
          return await shared.take(wish)
        } catch (error) {
          until = now() + PAUSE
          reason = error
        }
      }
      onAlone(reason)
      return own.take(wish)
    },
  }
}

import type { KeyStore } from '../state/playground.ts'

const NAME = 'ocr-gateway-key'

/** Keeps the key in this tab alone: reloading keeps it, other tabs and later visits do not see it. */
export function createKeyStore(): KeyStore {
  let key: string | null = null
  try {
    key = sessionStorage.getItem(NAME)
  } catch {
    // It lasts as long as the page.
  }
  return {
    get: () => key,
    set: (next) => {
      key = next
      try {
        if (next === null) sessionStorage.removeItem(NAME)
        else sessionStorage.setItem(NAME, next)
      } catch {
        // As above.
      }
    },
  }
}

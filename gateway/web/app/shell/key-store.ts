import type { KeyStore } from '../state/playground.ts'

/** Keeps a key in this tab alone, under a name: reloading keeps it, other tabs and later visits do not see it. */
export function createKeyStore(name: string): KeyStore {
  let key: string | null = null
  try {
    key = sessionStorage.getItem(name)
  } catch {
    // It lasts as long as the page.
  }
  return {
    get: () => key,
    set: (next) => {
      key = next
      try {
        if (next === null) sessionStorage.removeItem(name)
        else sessionStorage.setItem(name, next)
      } catch {
        // As above.
      }
    },
  }
}

/** The key that the status asks for. */
export interface AdminKey {
  get(): string | null
  set(key: string | null): void
}

/** Not the playground's: it may be another one, with other rights. */
const NAME = 'ocr-gateway-admin-key'

/** Keeps the key in this tab alone: reloading keeps it, other tabs and later visits do not see it. */
export function createAdminKey(): AdminKey {
  let key: string | null = null
  try {
    key = sessionStorage.getItem(NAME)
  } catch {
    // It lasts as long as the page.
  }
  return {
    get: () => key,
    set(next) {
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

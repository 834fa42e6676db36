/** Begins the name of a caller that has shown a token: its subject follows, one of any number. */
const TOKEN_PREFIX = 'jwt:'

/** Returns the label under which a caller is counted: its key's name, `jwt` for all that show tokens, `none` without keys. */
export function keyLabel(name: string | null): string {
  if (name === null || name === '') return 'none'
  return name.startsWith(TOKEN_PREFIX) ? 'jwt' : name
}

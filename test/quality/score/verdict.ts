/** What a fact says of a text. */
export type Verdict =
  | { readonly passed: true }
  | {
      readonly passed: false
      readonly why: string
      /** What comes nearest to what was expected, as it stands in the text; left out where nothing does. */
      readonly nearest?: string
      /** What stands around the place where it should be; left out where that is nowhere. */
      readonly place?: string
    }

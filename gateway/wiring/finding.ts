/** What was looked at, and what is to be done about it. */
export interface Finding {
  readonly what: string
  readonly state: 'good' | 'note' | 'broken'
  readonly text: string
  readonly todo?: string
}

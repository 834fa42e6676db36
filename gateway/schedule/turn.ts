/** Whose work something is: what takes turns with what. */
export interface Turn {
  /** Interactive work goes before batch work, which still gets a share. */
  readonly lane: 'interactive' | 'batch'
  /** The name of the API key; keys take turns. */
  readonly key: string
  /** The request, by a name of the gateway's own; those of one key take turns. */
  readonly request: string
}
